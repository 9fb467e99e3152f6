// Query answers as frames of named columns: what panels and transformations work on.
import type { Labels, QueryData, Series } from '../api/prometheus.ts';
import { numeric, seriesName } from '../api/prometheus.ts';
import { samplesOf } from '../chart/align.ts';
import type { FieldConfig, Target } from './model.ts';

export type CellValue = number | string | null | undefined;

export interface Field {
  name: string;
  type: 'time' | 'number' | 'string';
  labels: Labels;
  /** Times are milliseconds. */
  values: CellValue[];
  /** The name given by a legend, an override or a transformation; null: made from name and labels. */
  display: string | null;
  refId: string;
  /** Laid over the panel's configuration by a transformation. */
  config?: FieldConfig;
}

export interface Frame {
  refId: string;
  name: string;
  fields: Field[];
  /** Step of a range answer, for telling gaps; 0 for an instant one. */
  stepMs: number;
}

export interface Answered {
  target: Target;
  data: QueryData;
  startMs: number;
  endMs: number;
  stepMs: number;
  /** The legend's text with variables filled in. */
  legend: string;
}

/** A legend's `{{label}}` filled in; a label that is not there gives nothing. */
export function legendText(format: string, labels: Labels): string {
  return format.replace(/\{\{\s*([^}]+?)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

/** Labels whose values differ among the series: the ones that tell them apart. */
function telling(all: readonly Series[]): string[] {
  const names = new Set(all.flatMap((s) => Object.keys(s.metric)));
  return [...names].filter((n) => n !== '__name__' && all.some((s) => s.metric[n] !== all[0]!.metric[n]));
}

/** A name for a series: its legend, or for `__auto` what tells it from the others of the answer. */
function nameFor(a: Answered, s: Series, all: readonly Series[]): string {
  if (a.legend !== '__auto' && a.legend !== '') return legendText(a.legend, s.metric) || seriesName(s.metric);
  if (a.legend === '' ) return Object.keys(s.metric).length === 0 ? a.target.expr : seriesName(s.metric);
  if (all.length === 1) return Object.keys(s.metric).length === 0 ? a.target.expr : (s.metric['__name__'] ?? seriesName(s.metric));
  const names = telling(all);
  if (names.length === 1) return s.metric[names[0]!] ?? '';
  const picked = Object.fromEntries(Object.entries(s.metric).filter(([k]) => k === '__name__' || names.includes(k)));
  return seriesName(picked);
}

/** Scalars as a series without labels, so that panels need not care. */
export function seriesOf(data: QueryData): Series[] {
  if (data.resultType === 'vector' || data.resultType === 'matrix') return data.result;
  return [{ metric: {}, value: data.result }];
}

function samples(s: Series): [number, number][] {
  if (s.value) return [[Math.round(s.value[0] * 1000), numeric(s.value[1])]];
  if (s.histogram) return [[Math.round(s.histogram[0] * 1000), numeric(s.histogram[1].count)]];
  return samplesOf(s);
}

/** One frame per series: a time column and a value column. */
export function seriesFrames(a: Answered): Frame[] {
  const all = seriesOf(a.data);
  return all.map((s) => {
    const points = samples(s);
    const display = nameFor(a, s, all);
    const base = { refId: a.target.refId, labels: s.metric };
    return {
      refId: a.target.refId,
      name: display,
      stepMs: a.stepMs,
      fields: [
        { ...base, labels: {}, name: 'Time', type: 'time', values: points.map((p) => p[0]), display: null },
        { ...base, name: 'Value', type: 'number', values: points.map((p) => p[1]), display },
      ],
    };
  });
}

/** One frame for the whole answer: time, a column per label, the value. */
export function tableFrame(a: Answered, manyTables: boolean): Frame {
  const all = seriesOf(a.data);
  const labelNames = [...new Set(all.flatMap((s) => Object.keys(s.metric)))].sort((x, y) => (x === '__name__' ? -1 : y === '__name__' ? 1 : x.localeCompare(y)));
  const { refId } = a.target;
  const field = (name: string, type: Field['type']): Field => ({ name, type, labels: {}, values: [], display: null, refId });
  const time = field('Time', 'time');
  const labels = labelNames.map((n) => field(n, 'string'));
  const value = field(manyTables ? `Value #${refId}` : 'Value', 'number');
  for (const s of all) {
    for (const [t, v] of samples(s)) {
      time.values.push(t);
      labelNames.forEach((n, i) => labels[i]!.values.push(s.metric[n] ?? ''));
      value.values.push(v);
    }
  }
  return { refId, name: refId, fields: [time, ...labels, value], stepMs: a.stepMs };
}

export function toFrames(answers: readonly Answered[]): Frame[] {
  const tables = answers.filter((a) => a.target.format === 'table').length;
  return answers.flatMap((a) => (a.target.format === 'table' ? [tableFrame(a, tables > 1)] : seriesFrames(a)));
}

/** What a person calls the field. */
export function fieldName(f: Field): string {
  return f.display ?? f.name;
}
