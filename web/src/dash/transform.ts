// Grafana's transformations on frames: the ones that real dashboards use. Pure.
import { calcName, canonicalCalc, reduce, type Cell } from '../core/reduce.ts';
import { fieldName, type CellValue, type Field, type Frame } from './frames.ts';
import { flag, number, object, objects, strings, text, type Json } from './json.ts';
import type { Transformation } from './model.ts';
import { toRegex } from './resolve.ts';

type Step = (frames: Frame[], options: Json) => Frame[];

const rowsOf = (frame: Frame): number => frame.fields.reduce((n, f) => Math.max(n, f.values.length), 0);
const named = (frame: Frame, name: string): Field | undefined => frame.fields.find((f) => fieldName(f) === name || f.name === name);

/** Columns hidden, ordered and renamed. */
const organize: Step = (frames, o) => {
  const exclude = object(o['excludeByName']);
  const order = object(o['indexByName']);
  const rename = object(o['renameByName']);
  const key = (f: Field): string => (fieldName(f) in rename || fieldName(f) in order || fieldName(f) in exclude ? fieldName(f) : f.name);
  return frames.map((frame) => {
    const kept = frame.fields.filter((f) => !flag(exclude[key(f)]));
    const place = (f: Field): number => number(order[key(f)]) ?? 1e6;
    const sorted = kept.map((f, i) => ({ f, i })).sort((a, b) => place(a.f) - place(b.f) || a.i - b.i);
    return { ...frame, fields: sorted.map(({ f }) => ({ ...f, display: text(rename[key(f)]) || f.display })) };
  });
};

/** Outer join on one column: rows with the same key become one. */
const joinByField: Step = (frames, o) => {
  const wanted = text(o['byField']);
  const isInner = o['mode'] === 'inner';
  const keyOf = (frame: Frame): Field | undefined => (wanted ? named(frame, wanted) : frame.fields.find((f) => f.type === 'time'));
  const joined = frames.filter((f) => keyOf(f) !== undefined);
  if (joined.length === 0) return frames;
  if (joined.length === 1) return joined;
  const rows = new Map<string, { key: CellValue; at: (number | undefined)[] }>();
  joined.forEach((frame, k) => {
    keyOf(frame)!.values.forEach((v, i) => {
      const row = rows.get(String(v)) ?? { key: v, at: [] };
      if (row.at[k] === undefined) row.at[k] = i;
      rows.set(String(v), row);
    });
  });
  const all = [...rows.values()].filter((r) => !isInner || joined.every((_, k) => r.at[k] !== undefined));
  const first = keyOf(joined[0]!)!;
  if (first.type === 'time') all.sort((a, b) => Number(a.key) - Number(b.key));
  const fields: Field[] = [{ ...first, values: all.map((r) => r.key) }];
  const taken = new Map<string, number>([[first.name, 1]]);
  joined.forEach((frame, k) => {
    for (const f of frame.fields) {
      if (f === keyOf(frame)) continue;
      const base = fieldName(f);
      const many = (taken.get(base) ?? 0) + 1;
      taken.set(base, many);
      fields.push({ ...f, display: many > 1 ? `${base} ${many}` : f.display, values: all.map((r) => (r.at[k] === undefined ? null : f.values[r.at[k]!])) });
    }
  });
  return [{ refId: 'joined', name: 'joined', fields, stepMs: joined[0]!.stepMs }];
};

/** Rows of all frames in one; rows that agree in every shared column become one. */
const merge: Step = (frames) => {
  const filled = frames.filter((f) => f.fields.length > 0);
  if (filled.length < 2) return frames;
  const columns = new Map<string, Field>();
  for (const frame of filled) for (const f of frame.fields) if (!columns.has(fieldName(f))) columns.set(fieldName(f), { ...f, values: [] });
  const shared = [...columns.keys()].filter((name) => filled.every((frame) => frame.fields.some((f) => fieldName(f) === name)));
  const rows: Map<string, CellValue>[] = [];
  const byKey = new Map<string, Map<string, CellValue>[]>();
  for (const frame of filled) {
    for (let i = 0; i < rowsOf(frame); i++) {
      const cells = new Map(frame.fields.map((f) => [fieldName(f), f.values[i]]));
      const key = JSON.stringify(shared.map((name) => cells.get(name) ?? null));
      const same = byKey.get(key) ?? [];
      const fits = same.find((row) => [...cells].every(([name, v]) => row.get(name) === undefined || row.get(name) === v));
      if (fits && shared.length > 0) {
        for (const [name, v] of cells) fits.set(name, v);
        continue;
      }
      rows.push(cells);
      byKey.set(key, [...same, cells]);
    }
  }
  const fields = [...columns].map(([name, f]) => ({ ...f, values: rows.map((r) => r.get(name)) }));
  return [{ refId: 'merged', name: 'merged', fields, stepMs: filled[0]!.stepMs }];
};

const reduceStep: Step = (frames, o) => {
  const calcs = strings(o['reducers']).length ? strings(o['reducers']).map(canonicalCalc) : ['max'];
  if (o['mode'] === 'reduceFields') {
    return frames.map((frame) => ({ ...frame, fields: frame.fields.filter((f) => f.type !== 'time').map((f) => ({ ...f, values: [f.type === 'number' ? reduce(f.values as Cell[], calcs[0]!) : f.values[f.values.length - 1]] })) }));
  }
  const sources = frames.flatMap((frame) => frame.fields.filter((f) => f.type === 'number'));
  const make = (name: string, type: Field['type'], values: CellValue[]): Field => ({ name, type, values, labels: {}, display: null, refId: 'reduced' });
  const labelNames = flag(o['labelsToFields']) ? [...new Set(sources.flatMap((f) => Object.keys(f.labels)))] : [];
  return [
    {
      refId: 'reduced',
      name: 'reduced',
      stepMs: 0,
      fields: [
        make('Field', 'string', sources.map(fieldName)),
        ...labelNames.map((l) => make(l, 'string', sources.map((f) => f.labels[l] ?? ''))),
        ...calcs.map((c) => make(calcName(c), 'number', sources.map((f) => reduce(f.values as Cell[], c)))),
      ],
    },
  ];
};

/** Series' labels as columns of their own, one row per sample. */
const labelsToFields: Step = (frames, o) => {
  const wanted = strings(o['keepLabels']);
  const valueLabel = text(o['valueLabel']);
  const made = frames.map((frame): Frame => {
    const rows = rowsOf(frame);
    const value = frame.fields.find((f) => f.type === 'number');
    if (!value) return frame;
    const labels = Object.entries(value.labels).filter(([k]) => wanted.length === 0 || wanted.includes(k));
    const columns = labels
      .filter(([k]) => k !== valueLabel)
      .map(([k, v]): Field => ({ name: k, type: 'string', labels: {}, values: new Array(rows).fill(v), display: null, refId: frame.refId }));
    const renamed = frame.fields.map((f) => (f === value ? { ...f, labels: {}, display: valueLabel ? (value.labels[valueLabel] ?? null) : null } : f));
    const time = renamed.filter((f) => f.type === 'time');
    return { ...frame, fields: [...time, ...columns, ...renamed.filter((f) => f.type !== 'time')] };
  });
  return merge(made, {});
};

const groupBy: Step = (frames, o) => {
  const settings = object(o['fields']);
  const opOf = (f: Field): Json => object(settings[fieldName(f)] ?? settings[f.name]);
  return frames.map((frame) => {
    const keys = frame.fields.filter((f) => opOf(f)['operation'] === 'groupby');
    const values = frame.fields.filter((f) => opOf(f)['operation'] === 'aggregate');
    if (keys.length === 0) return frame;
    const groups = new Map<string, number[]>();
    for (let i = 0; i < rowsOf(frame); i++) {
      const key = JSON.stringify(keys.map((k) => k.values[i] ?? null));
      groups.set(key, [...(groups.get(key) ?? []), i]);
    }
    const rows = [...groups.values()];
    const fields = keys.map((k) => ({ ...k, values: rows.map((r) => k.values[r[0]!]) }));
    for (const f of values) {
      for (const calc of strings(opOf(f)['aggregations']).map(canonicalCalc)) {
        const type = f.type === 'string' && calc !== 'count' && calc !== 'distinctCount' ? 'string' : 'number';
        const of = (r: number[]): CellValue => (type === 'string' ? f.values[calc === 'first' ? r[0]! : r.at(-1)!] : reduce(r.map((i) => f.values[i]) as Cell[], calc));
        fields.push({ ...f, type, display: `${fieldName(f)} (${calcName(calc).toLowerCase().replace(' *', '*')})`, name: `${fieldName(f)} (${calc})`, values: rows.map(of) });
      }
    }
    return { ...frame, fields };
  });
};

const filterFieldsByName: Step = (frames, o) => {
  const pick = (rule: unknown): ((f: Field) => boolean) | null => {
    const r = object(rule);
    const names = strings(r['names']);
    const regex = text(r['pattern']) ? toRegex(text(r['pattern'])) : null;
    if (names.length === 0 && !regex) return null;
    return (f) => names.includes(fieldName(f)) || names.includes(f.name) || (regex?.test(fieldName(f)) ?? false);
  };
  const [include, exclude] = [pick(o['include']), pick(o['exclude'])];
  return frames.map((frame) => ({ ...frame, fields: frame.fields.filter((f) => (!include || include(f)) && !(exclude && exclude(f))) })).filter((f) => f.fields.length > 0);
};

const sortBy: Step = (frames, o) => {
  const rule = objects(o['sort'])[0];
  if (!rule) return frames;
  return frames.map((frame) => {
    const f = named(frame, text(rule['field']));
    if (!f) return frame;
    const order = f.values.map((v, i) => ({ v, i })).sort((a, b) => compareCells(a.v, b.v));
    if (flag(rule['desc'])) order.reverse();
    return { ...frame, fields: frame.fields.map((g) => ({ ...g, values: order.map(({ i }) => g.values[i]) })) };
  });
};

export function compareCells(a: CellValue, b: CellValue): number {
  if (typeof a === 'number' && typeof b === 'number') return (Number.isNaN(a) ? -Infinity : a) - (Number.isNaN(b) ? -Infinity : b);
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1;
  if (b === null || b === undefined) return 1;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

const renameByRegex: Step = (frames, o) => {
  const regex = toRegex(text(o['regex']));
  if (!regex) return frames;
  return frames.map((frame) => ({ ...frame, fields: frame.fields.map((f) => (f.type === 'time' ? f : { ...f, display: fieldName(f).replace(regex, text(o['renamePattern'])) })) }));
};

const limit: Step = (frames, o) => frames.map((frame) => ({ ...frame, fields: frame.fields.map((f) => ({ ...f, values: f.values.slice(0, number(o['limitField']) ?? 10) })) }));

const filterByRefId: Step = (frames, o) => {
  const regex = toRegex(text(o['include']));
  return regex ? frames.filter((f) => regex.test(f.refId)) : frames;
};

function holds(id: string, v: CellValue, wanted: number): boolean {
  const n = typeof v === 'number' ? v : Number(v);
  switch (id) {
    case 'greater':
      return n > wanted;
    case 'greaterOrEqual':
      return n >= wanted;
    case 'lower':
      return n < wanted;
    case 'lowerOrEqual':
      return n <= wanted;
    case 'isNull':
      return v === null || v === undefined;
    case 'isNotNull':
      return v !== null && v !== undefined;
    default:
      return true;
  }
}

const filterByValue: Step = (frames, o) => {
  const rules = objects(o['filters']);
  const test = (frame: Frame, row: number, r: Json): boolean => {
    const config = object(r['config']);
    const wanted = object(config['options'])['value'];
    const v = named(frame, text(r['fieldName']))?.values[row];
    if (config['id'] === 'equal') return String(v) === String(wanted);
    if (config['id'] === 'notEqual') return String(v) !== String(wanted);
    if (config['id'] === 'regex') return toRegex(text(wanted))?.test(String(v)) ?? true;
    return holds(text(config['id']), v, Number(wanted));
  };
  return frames.map((frame) => {
    const rows = [...Array(rowsOf(frame)).keys()].filter((i) => {
      const hit = o['match'] === 'all' ? rules.every((r) => test(frame, i, r)) : rules.some((r) => test(frame, i, r));
      return o['type'] === 'exclude' ? !hit : hit;
    });
    return { ...frame, fields: frame.fields.map((f) => ({ ...f, values: rows.map((i) => f.values[i]) })) };
  });
};

const OPERATIONS: Record<string, (a: number, b: number) => number> = { '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b };

const calculateField: Step = (frames, o) =>
  frames.map((frame) => {
    const rows = rowsOf(frame);
    const numbers = frame.fields.filter((f) => f.type === 'number');
    let values: CellValue[] | null = null;
    let name = text(o['alias']);
    if (o['mode'] === 'binary') {
      const b = object(o['binary']);
      const side = (raw: unknown): ((i: number) => number) => {
        const spec = typeof raw === 'object' ? text(object(object(raw)['matcher'])['options'] ?? object(raw)['fixed']) : text(raw);
        const f = named(frame, spec);
        return f ? (i) => Number(f.values[i] ?? NaN) : () => Number(spec);
      };
      const [left, right, op] = [side(b['left']), side(b['right']), OPERATIONS[text(b['operator'], '+')]];
      if (op) values = Array.from({ length: rows }, (_, i) => op(left(i), right(i)));
      name ||= `${text(b['left'])} ${text(b['operator'])} ${text(b['right'])}`;
    } else if (o['mode'] === undefined || o['mode'] === 'reduceRow') {
      const r = object(o['reduce']);
      const wanted = strings(r['include']);
      const calc = canonicalCalc(text(r['reducer'], 'sum'));
      const from = wanted.length ? numbers.filter((f) => wanted.includes(fieldName(f))) : numbers;
      values = Array.from({ length: rows }, (_, i) => reduce(from.map((f) => f.values[i]) as Cell[], calc));
      name ||= calcName(calc);
    }
    if (!values) return frame;
    const made: Field = { name, type: 'number', labels: {}, values, display: null, refId: frame.refId };
    return { ...frame, fields: flag(o['replaceFields']) ? [...frame.fields.filter((f) => f.type === 'time'), made] : [...frame.fields, made] };
  });

const same: Step = (frames) => frames;

const STEPS: Record<string, Step> = {
  organize,
  joinByField,
  seriesToColumns: joinByField,
  merge,
  reduce: reduceStep,
  labelsToFields,
  groupBy,
  filterFieldsByName,
  sortBy,
  renameByRegex,
  limit,
  filterByRefId,
  filterByValue,
  calculateField,
  seriesToRows: (frames) => frames,
  convertFieldType: same,
};

export interface Transformed {
  frames: Frame[];
  problems: string[];
}

export function transform(frames: Frame[], list: readonly Transformation[]): Transformed {
  const problems: string[] = [];
  let now = frames;
  for (const t of list) {
    const step = STEPS[t.id];
    if (step) now = step(now, t.options);
    else problems.push(`the transformation "${t.id}" is not supported and was left out`);
  }
  return { frames: now, problems };
}
