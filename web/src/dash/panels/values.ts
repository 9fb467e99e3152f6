// Single values for stat, gauge, bar gauge and pie panels.
import { reduce, type Cell } from '../../core/reduce.ts';
import { fieldName, type CellValue, type Field } from '../frames.ts';
import type { FieldConfig } from '../model.ts';
import { configOf, display, nameUnder, spanOf, toRegex, type Display } from '../resolve.ts';
import type { Drawn } from './frame-props.ts';

export interface Single {
  name: string;
  value: CellValue;
  shown: Display;
  config: FieldConfig;
  min: number;
  max: number;
  /** The values behind it, for a sparkline. */
  trail: { times: number[]; values: (number | null)[] } | null;
}

const MOST_SINGLES = 200;

function wanted(fields: string): (f: Field) => boolean {
  if (fields === '') return (f) => f.type === 'number';
  const regex = toRegex(fields);
  return (f) => f.type !== 'time' && (fields === fieldName(f) || (regex?.test(fieldName(f)) ?? false));
}

/** Names for rows of one table: the text columns that stand beside the number. */
function rowName(frame: { fields: Field[] }, row: number): string {
  return frame.fields.filter((f) => f.type === 'string').map((f) => String(f.values[row] ?? '')).join(' ');
}

export function singles(props: Drawn, isDark: boolean): Single[] {
  const { panel, frames, scope } = props;
  const { calc, allValues, limit, fields } = panel.options;
  const pick = wanted(fields);
  const out: Single[] = [];
  const all = frames.flatMap((frame) => frame.fields.filter(pick).map((field) => ({ frame, field, config: configOf(panel, field, scope) })));
  // Without limits of its own a field is measured against the span of all of the panel.
  const shared = spanOf({}, all.flatMap((a) => a.field.values));
  for (const { frame, field, config } of all) {
    const span = { min: config.min ?? (all.length > 0 ? Math.min(shared.min, 0) : 0), max: config.max ?? shared.max };
    const context = { dark: isDark, ...span };
    const add = (name: string, value: CellValue, trail: Single['trail']): void => {
      const shown = display(config, value, { ...context, index: out.length });
      out.push({ name, value, shown, config, ...span, trail });
    };
    if (allValues) {
      field.values.slice(0, limit).forEach((v, i) => add(rowName(frame, i) || nameUnder(field, config, scope), v, null));
      continue;
    }
    const value = field.type === 'number' ? reduce(field.values as Cell[], calc) : field.values[field.values.length - 1];
    const times = frame.fields.find((f) => f.type === 'time')?.values;
    const trail = times && field.type === 'number' && times.length > 1 ? { times: times.map(Number), values: field.values.map((v) => (typeof v === 'number' && Number.isFinite(v) ? v : null)) } : null;
    add(nameUnder(field, config, scope), value, trail);
  }
  return out.slice(0, MOST_SINGLES);
}
