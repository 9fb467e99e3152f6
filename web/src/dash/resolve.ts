// Which configuration a field has after defaults and overrides, and what a value looks like under it.
import { blend, namedColor, ramp, seriesColor } from '../core/color.ts';
import { reduce, type Cell } from '../core/reduce.ts';
import { shown, type Shown } from '../core/units.ts';
import { fieldName, type CellValue, type Field } from './frames.ts';
import { list, object, strings, text } from './json.ts';
import { intoText, type Scope } from './interpolate.ts';
import type { FieldConfig, Mapping, Override, Panel, ThresholdStep } from './model.ts';

/** "/…/flags" or a bare pattern to a RegExp; null when it is none. */
export function toRegex(pattern: string): RegExp | null {
  const m = /^\/([^]*)\/([gimsuy]*)$/.exec(pattern);
  try {
    return m ? new RegExp(m[1]!, m[2]!.replace(/[gy]/g, '')) : new RegExp(pattern);
  } catch {
    return null;
  }
}

function compare(op: string, a: number, b: number): boolean {
  switch (op) {
    case 'gt':
      return a > b;
    case 'gte':
      return a >= b;
    case 'lt':
      return a < b;
    case 'lte':
      return a <= b;
    case 'neq':
      return a !== b;
    default:
      return a === b;
  }
}

function hits(o: Override, f: Field, scope: Scope): boolean {
  const { kind, value } = o.matcher;
  const names = [fieldName(f), f.name];
  switch (kind) {
    case 'byName':
      return names.includes(intoText(text(value), scope));
    case 'byRegexp': {
      const regex = toRegex(intoText(text(value), scope));
      return regex !== null && names.some((n) => regex.test(n));
    }
    case 'byNames': {
      const wanted = strings(object(value)['names'] ?? list(value));
      const hit = names.some((n) => wanted.includes(n));
      return object(value)['mode'] === 'exclude' ? !hit : hit;
    }
    case 'byFrameRefID':
      return f.refId === text(value);
    case 'byType':
      return f.type === text(value);
    case 'byValue': {
      const r = reduce(f.values as Cell[], text(object(value)['reducer'], 'lastNotNull'));
      return r !== null && compare(text(object(value)['op']), r, Number(object(value)['value'] ?? 0));
    }
    default:
      return false;
  }
}

export function configOf(panel: Panel, f: Field, scope: Scope): FieldConfig {
  let config: FieldConfig = { ...panel.defaults, ...f.config };
  for (const o of panel.overrides) if (hits(o, f, scope)) config = { ...config, ...o.config };
  return config;
}

/** The field's name under its configuration: `displayName` may speak of labels and of the field itself. */
export function nameUnder(f: Field, config: FieldConfig, scope: Scope): string {
  if (!config.displayName) return fieldName(f);
  const named = config.displayName
    .replace(/\$\{__field\.labels\.([\w]+)\}/g, (_, l: string) => f.labels[l] ?? '')
    .replace(/\$\{__field\.labels\["?([^"\]]+)"?\]\}/g, (_, l: string) => f.labels[l] ?? '')
    .replace(/\$\{__field\.(?:displayName|name)\}|\$\{__series\.name\}|\$__field_name/g, () => fieldName(f))
    .replace(/\$\{__cell_?\d*\}/g, '');
  return intoText(named, scope);
}

function special(m: Mapping, v: CellValue): boolean {
  switch (m.match) {
    case 'nan':
      return typeof v === 'number' && Number.isNaN(v);
    // Grafana's "last not null" passes over NaN, ours does not: what is said for nothing is said for NaN too.
    case 'null':
    case 'null+nan':
      return v === null || v === undefined || (typeof v === 'number' && Number.isNaN(v));
    case 'true':
    case 'false':
      return String(v) === m.match;
    case 'empty':
      return v === '';
    default:
      return false;
  }
}

export function mapped(mappings: readonly Mapping[] | undefined, v: CellValue): Mapping | null {
  for (const m of mappings ?? []) {
    if (m.kind === 'special' ? special(m, v) : false) return m;
    if (m.kind === 'value' && v !== null && v !== undefined && String(v) === m.match) return m;
    if (m.kind === 'range' && typeof v === 'number' && v >= m.from && v <= m.to) return m;
    if (m.kind === 'regex' && v !== null && v !== undefined && (toRegex(m.match)?.test(String(v)) ?? false)) return m;
  }
  return null;
}

/** Thresholds in the field's own measure: percentages are of its span from min to max. */
export function absoluteThresholds(c: FieldConfig, min: number, max: number): ThresholdStep[] {
  const steps = c.thresholds ?? [];
  if (c.thresholdMode !== 'percentage') return steps;
  return steps.map((s) => ({ ...s, value: Number.isFinite(s.value) ? min + ((max - min) * s.value) / 100 : s.value }));
}

export function stepFor(steps: readonly ThresholdStep[], v: number): ThresholdStep | null {
  let hit: ThresholdStep | null = steps[0] ?? null;
  for (const s of steps) if (v >= s.value) hit = s;
  return hit;
}

/** The span against which percentages and ramps are measured. */
export function spanOf(c: FieldConfig, values: readonly CellValue[]): { min: number; max: number } {
  const numbers = values.filter((v): v is number => typeof v === 'number' && Number.isFinite(v));
  const low = c.min ?? (numbers.length ? numbers.reduce((a, b) => Math.min(a, b)) : 0);
  const high = c.max ?? (numbers.length ? numbers.reduce((a, b) => Math.max(a, b)) : 100);
  return { min: low, max: high > low ? high : low + 1 };
}

const FALLBACK_STEPS: ThresholdStep[] = [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }];

export interface ColorContext {
  dark: boolean;
  /** Position among the fields, for palette modes. */
  index: number;
  min: number;
  max: number;
}

/** The colour of one value. */
export function valueColor(c: FieldConfig, v: number | null, at: ColorContext): string {
  const mode = c.colorMode ?? 'thresholds';
  if (mode === 'fixed') return namedColor(c.fixedColor ?? 'green', at.dark);
  if (mode === 'shades') return namedColor(c.fixedColor ?? 'green', at.dark);
  if (mode.startsWith('palette')) return seriesColor(at.index, at.dark);
  if (mode.startsWith('continuous')) return blend(ramp(mode, at.dark), v === null ? 0 : (v - at.min) / (at.max - at.min));
  const steps = absoluteThresholds(c.thresholds && c.thresholds.length > 0 ? c : { ...c, thresholds: FALLBACK_STEPS }, at.min, at.max);
  return namedColor((v === null ? steps[0] : stepFor(steps, v))?.color ?? 'text', at.dark);
}

/** The colour of a whole series: by palette, by name, or by what its chosen value says. */
export function seriesColorOf(c: FieldConfig, values: readonly CellValue[], at: ColorContext): string {
  const mode = c.colorMode ?? 'palette-classic';
  if (mode.startsWith('palette')) return seriesColor(at.index, at.dark);
  const pick = c.seriesBy === 'min' || c.seriesBy === 'max' ? c.seriesBy : 'lastNotNull';
  return valueColor(c, reduce(values as Cell[], pick), at);
}

export interface Display extends Shown {
  color: string;
  /** A mapping decided the text. */
  isMapped: boolean;
}

/** A value as a person reads it: mapped, or with its unit and decimals. */
export function display(c: FieldConfig, v: CellValue, at: ColorContext): Display {
  const m = mapped(c.mappings, v);
  const n = typeof v === 'number' ? v : null;
  const color = m?.color ? namedColor(m.color, at.dark) : valueColor(c, n, at);
  if (m && m.text !== null && m.text !== '') return { prefix: '', text: m.text, suffix: '', color, isMapped: true };
  if (v === null || v === undefined || (n !== null && Number.isNaN(n) && c.noValue !== undefined)) {
    return { prefix: '', text: c.noValue ?? '-', suffix: '', color, isMapped: false };
  }
  if (n === null) return { prefix: '', text: String(v), suffix: '', color, isMapped: false };
  return { ...shown(n, c.unit, c.decimals ?? null), color, isMapped: false };
}

export const displayText = (c: FieldConfig, v: CellValue): string => {
  const d = display(c, v, { dark: false, index: 0, min: 0, max: 1 });
  return d.prefix + d.text + d.suffix;
};
