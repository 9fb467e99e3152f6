// Field configuration: Grafana's `fieldConfig`, its overrides, and the older places of the same things.
import { flag, isObject, list, number, object, objects, oneOf, text, type Json } from './json.ts';
import type { FieldConfig, Mapping, Override, ThresholdStep } from './model.ts';

/** Drops what is undefined, so that laying one configuration over another works by spreading. */
export function said<T extends object>(config: T): T {
  return Object.fromEntries(Object.entries(config).filter(([, v]) => v !== undefined)) as T;
}

export function thresholdSteps(raw: unknown): ThresholdStep[] {
  const steps = objects(raw).map((s) => ({ value: number(s['value']) ?? -Infinity, color: text(s['color'], 'green') }));
  return steps.sort((a, b) => a.value - b.value);
}

function mappingResult(raw: unknown): { text: string | null; color: string | null } {
  const r = object(raw);
  return { text: r['text'] === undefined ? null : text(r['text']), color: r['color'] === undefined ? null : text(r['color']) };
}

const EMPTY_MAPPING: Mapping = { kind: 'value', match: '', from: -Infinity, to: Infinity, text: null, color: null };

function oneMapping(m: Json): Mapping[] {
  const options = object(m['options']);
  switch (m['type']) {
    case 'value':
      return Object.entries(options).map(([match, result]) => ({ ...EMPTY_MAPPING, match, ...mappingResult(result) }));
    case 'range':
      return [{ ...EMPTY_MAPPING, kind: 'range', from: number(options['from']) ?? -Infinity, to: number(options['to']) ?? Infinity, ...mappingResult(options['result']) }];
    case 'regex':
      return [{ ...EMPTY_MAPPING, kind: 'regex', match: text(options['pattern']), ...mappingResult(options['result']) }];
    case 'special':
      return [{ ...EMPTY_MAPPING, kind: 'special', match: text(options['match']), ...mappingResult(options['result']) }];
    case 1:
      return [{ ...EMPTY_MAPPING, match: text(m['value']), text: text(m['text']) }];
    case 2:
      return [{ ...EMPTY_MAPPING, kind: 'range', from: number(m['from']) ?? -Infinity, to: number(m['to']) ?? Infinity, text: text(m['text']) }];
    default:
      return m['op'] === '=' ? [{ ...EMPTY_MAPPING, kind: m['value'] === 'null' ? 'special' : 'value', match: text(m['value']), text: text(m['text']) }] : [];
  }
}

export const mappings = (raw: unknown): Mapping[] => objects(raw).flatMap(oneMapping);

function color(raw: unknown): Pick<FieldConfig, 'colorMode' | 'fixedColor' | 'seriesBy'> {
  if (!isObject(raw)) return {};
  return said({
    colorMode: raw['mode'] === undefined ? undefined : text(raw['mode']),
    fixedColor: raw['fixedColor'] === undefined ? undefined : text(raw['fixedColor']),
    seriesBy: raw['seriesBy'] === undefined ? undefined : text(raw['seriesBy']),
  } as FieldConfig);
}

export function links(raw: unknown): { title: string; url: string; newTab: boolean }[] {
  return objects(raw)
    .map((l) => ({ title: text(l['title']), url: text(l['url'] ?? l['dashUri']), newTab: flag(l['targetBlank']) }))
    .filter((l) => l.url !== '');
}

/** One property by its id, as overrides name them; defaults go through the same reading. */
function property(id: string, v: unknown): FieldConfig {
  const o = object(v);
  switch (id) {
    case 'unit':
      return { unit: text(v) };
    case 'decimals':
      return said({ decimals: number(v) } as FieldConfig);
    case 'min':
      return said({ min: number(v) } as FieldConfig);
    case 'max':
      return said({ max: number(v) } as FieldConfig);
    case 'displayName':
      return { displayName: text(v) };
    case 'noValue':
      return { noValue: text(v) };
    case 'color':
      return color(v);
    case 'links':
      return { links: links(v) };
    case 'mappings':
      return { mappings: mappings(v) };
    case 'thresholds':
      return { thresholds: thresholdSteps(o['steps']), thresholdMode: oneOf(o['mode'], ['absolute', 'percentage'], 'absolute') };
    case 'custom.drawStyle':
      return { draw: oneOf(v, ['line', 'bars', 'points'], 'line') };
    case 'custom.lineInterpolation':
      return { interpolation: oneOf(v, ['linear', 'smooth', 'stepAfter', 'stepBefore'], 'linear') };
    case 'custom.lineWidth':
      return said({ lineWidth: number(v) } as FieldConfig);
    case 'custom.fillOpacity':
      return said({ fillOpacity: number(v) } as FieldConfig);
    case 'custom.gradientMode':
      return { gradient: text(v) };
    case 'custom.lineStyle':
      return { dash: o['fill'] === 'dash' || o['fill'] === 'dot' ? (list(o['dash']).map((n) => number(n) ?? 4).slice(0, 8).length ? list(o['dash']).map((n) => number(n) ?? 4).slice(0, 8) : o['fill'] === 'dot' ? [1, 4] : [8, 6]) : [] };
    case 'custom.showPoints':
      return { points: oneOf(v, ['auto', 'always', 'never'], 'auto') };
    case 'custom.pointSize':
      return said({ pointSize: number(v) } as FieldConfig);
    case 'custom.spanNulls':
      return { spanNulls: typeof v === 'number' ? v / 1000 : flag(v) };
    case 'custom.stacking':
      return { stackMode: oneOf(o['mode'], ['none', 'normal', 'percent'], 'none'), stackGroup: text(o['group'], 'A') };
    case 'custom.transform':
      return { negativeY: v === 'negative-Y', constant: v === 'constant' };
    case 'custom.axisPlacement':
      return { axisSide: oneOf(v, ['auto', 'left', 'right', 'hidden'], 'auto') };
    case 'custom.axisLabel':
      return { axisLabel: text(v) };
    case 'custom.axisSoftMin':
      return said({ softMin: number(v) } as FieldConfig);
    case 'custom.axisSoftMax':
      return said({ softMax: number(v) } as FieldConfig);
    case 'custom.scaleDistribution':
      return { log: o['type'] === 'log' ? (o['log'] === 2 ? 2 : 10) : 0 };
    case 'custom.thresholdsStyle':
      return { thresholdStyle: text(o['mode'], 'off') };
    case 'custom.hideFrom':
      return { hideFrom: { legend: flag(o['legend']), tooltip: flag(o['tooltip']), viz: flag(o['viz'] ?? o['graph']) } };
    case 'custom.hidden':
      return { hidden: flag(v) };
    case 'custom.hideFrom.viz':
      return { hidden: flag(v) };
    case 'custom.width':
      return said({ width: number(v) } as FieldConfig);
    case 'custom.align':
      return { align: oneOf(v === null ? 'auto' : v, ['auto', 'left', 'center', 'right'], 'auto') };
    case 'custom.displayMode':
      return { cell: text(v) };
    case 'custom.cellOptions':
      return { cell: text(o['type'], 'auto') + (o['type'] === 'color-background' && o['mode'] === 'basic' ? '-solid' : '') };
    default:
      return {};
  }
}

const TOP_KEYS = ['unit', 'decimals', 'min', 'max', 'displayName', 'noValue', 'color', 'links', 'mappings', 'thresholds'];

export function fieldConfig(raw: unknown): FieldConfig {
  const defaults = object(raw);
  let out: FieldConfig = {};
  for (const key of TOP_KEYS) if (defaults[key] !== undefined && defaults[key] !== null) out = { ...out, ...property(key, defaults[key]) };
  for (const [key, value] of Object.entries(object(defaults['custom']))) {
    if (value !== undefined && value !== null) out = { ...out, ...property(`custom.${key}`, value) };
  }
  if (out.displayName === '') delete out.displayName;
  return out;
}

export function overrides(raw: unknown): Override[] {
  return objects(raw).map((o) => {
    const matcher = object(o['matcher']);
    let config: FieldConfig = {};
    for (const p of objects(o['properties'])) {
      const given = property(text(p['id']), p['value']);
      config = { ...config, ...given };
    }
    return { matcher: { kind: text(matcher['id']), value: matcher['options'] }, config };
  });
}
