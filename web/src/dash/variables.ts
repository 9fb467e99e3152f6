// A dashboard's variables: what each can be, what it is now, and what must be asked again when one changes.
import { labelNames, labelValues, queryInstant, series, seriesName, type Labels } from '../api/prometheus.ts';
import { parseDuration, formatDuration, roundStep } from '../core/time.ts';
import { builtins, intoExpression, joinScopes, mentioned, single, type Bound, type Scope } from './interpolate.ts';
import type { Choice, Variable } from './model.ts';

export const ALL = '$__all';
const MOST_CHOICES = 5000;

export interface Resolved {
  variable: Variable;
  choices: Choice[];
  /** Chosen values; [ALL] for all of them. */
  chosen: string[];
  error: string | null;
}

export interface TimeSpan {
  fromMs: number;
  toMs: number;
}

/** Variables that must be known before each, by the names its query mentions. */
export function dependencies(variables: readonly Variable[]): Map<string, Set<string>> {
  const names = new Set(variables.map((v) => v.name));
  return new Map(
    variables.map((v) => {
      const used = v.kind === 'query' ? mentioned(`${v.query} ${v.regex}`) : [];
      return [v.name, new Set(used.filter((n) => names.has(n) && n !== v.name))];
    }),
  );
}

/** In an order in which each stands after those it needs; what is left of a circle comes last. */
export function ordered(variables: readonly Variable[]): Variable[] {
  const needs = dependencies(variables);
  const done = new Set<string>();
  const out: Variable[] = [];
  let rest = [...variables];
  while (rest.length > 0) {
    const ready = rest.filter((v) => [...needs.get(v.name)!].every((n) => done.has(n)));
    const batch = ready.length > 0 ? ready : rest;
    for (const v of batch) done.add(v.name);
    out.push(...batch);
    rest = rest.filter((v) => !batch.includes(v));
  }
  return out;
}

/** Splits "a, b\, c" at commas that no backslash guards. */
function splitList(source: string): string[] {
  return source.split(/(?<!\\),/).map((s) => s.trim().replace(/\\,/g, ',')).filter((s) => s !== '');
}

export function customChoices(source: string): Choice[] {
  return splitList(source).map((entry) => {
    const pair = /^(.+?)\s+:\s+(.+)$/.exec(entry);
    return pair ? { text: pair[1]!, value: pair[2]! } : { text: entry, value: entry };
  });
}

/** Grafana's regex on choices: named groups text and value, a first group, or a plain filter. */
export function byRegex(values: readonly string[], pattern: string): Choice[] {
  if (pattern === '') return values.map((v) => ({ text: v, value: v }));
  const m = /^\/([^]*)\/([gimsuy]*)$/.exec(pattern);
  let regex: RegExp;
  try {
    regex = m ? new RegExp(m[1]!, m[2]!.replace(/[gy]/g, '')) : new RegExp(`^(?:${pattern})$`);
  } catch {
    return [];
  }
  const out = new Map<string, Choice>();
  for (const v of values) {
    const hit = regex.exec(v);
    if (!hit) continue;
    const value = hit.groups?.['value'] ?? hit.groups?.['text'] ?? hit[1] ?? v;
    const text = hit.groups?.['text'] ?? value;
    out.set(value, { text, value });
  }
  return [...out.values()];
}

const natural = new Intl.Collator('en', { numeric: true });

function sortChoices(choices: Choice[], mode: number): Choice[] {
  if (mode === 0) return choices;
  const numberIn = (t: string): number => Number(/-?\d+(\.\d+)?/.exec(t)?.[0] ?? NaN);
  const compare =
    mode === 3 || mode === 4
      ? (a: Choice, b: Choice) => (numberIn(a.text) || 0) - (numberIn(b.text) || 0)
      : mode === 5 || mode === 6
        ? (a: Choice, b: Choice) => a.text.toLowerCase().localeCompare(b.text.toLowerCase())
        : (a: Choice, b: Choice) => natural.compare(a.text, b.text);
  const sorted = [...choices].sort(compare);
  return mode % 2 === 0 ? sorted.reverse() : sorted;
}

/** A sample as `query_result()` gives it to the regex: name{labels} value time. */
const sampleText = (metric: Labels, value: string, time: number): string => `${seriesName(metric).replace(/, (?=[\w"])/g, ',')} ${value} ${Math.round(time * 1000)}`;

async function ask(query: string, span: TimeSpan, signal: AbortSignal): Promise<string[]> {
  const q = query.trim();
  const { fromMs, toMs } = span;
  const names = /^label_names\(\s*([^]*?)\s*\)$/.exec(q);
  if (names) return (await labelNames(names[1] ? [names[1]] : [], fromMs, toMs, signal)).data;
  const values = /^label_values\(\s*(?:([^]+),\s*)?([a-zA-Z_][\w.]*)\s*\)$/.exec(q);
  if (values) return (await labelValues(values[2]!, values[1] ? [values[1]] : [], fromMs, toMs, signal)).data;
  const metrics = /^metrics\(\s*([^]*?)\s*\)$/.exec(q);
  if (metrics) {
    const regex = new RegExp(metrics[1]!);
    return (await labelValues('__name__', [], fromMs, toMs, signal)).data.filter((n) => regex.test(n));
  }
  const result = /^query_result\(([^]*)\)$/.exec(q);
  if (result) {
    const { data } = await queryInstant(result[1]!, toMs, signal);
    if (data.resultType === 'scalar' || data.resultType === 'string') return [data.result[1]];
    return data.result.map((s) => sampleText(s.metric, s.value?.[1] ?? s.values?.at(-1)?.[1] ?? '', s.value?.[0] ?? 0));
  }
  return (await series([q], fromMs, toMs, signal)).data.map((labels) => seriesName(labels).replace(/, (?=[\w"])/g, ','));
}

function intervalChoices(v: Variable, span: TimeSpan): Choice[] {
  const listed = customChoices(v.query).map((c) => ({ text: c.text.replace(/^"|"$/g, ''), value: c.value.replace(/^"|"$/g, '') }));
  if (!v.auto) return listed;
  const least = parseDuration(v.auto.min) ?? 10_000;
  const step = Math.max(roundStep((span.toMs - span.fromMs) / Math.max(v.auto.count, 1)), least);
  return [{ text: `auto (${formatDuration(step)})`, value: autoName(v) }, ...listed];
}

const autoName = (v: Variable): string => `$__auto_interval_${v.name}`;

async function choicesOf(v: Variable, scope: Scope, span: TimeSpan, signal: AbortSignal): Promise<Choice[]> {
  switch (v.kind) {
    case 'custom':
      return v.query ? customChoices(v.query) : v.options;
    case 'interval':
      return intervalChoices(v, span);
    case 'datasource':
      return [{ text: 'promlet', value: 'promlet' }];
    case 'constant':
    case 'textbox':
      return [];
    case 'query': {
      const clock = builtins({ ...span, stepMs: 15_000, scrapeMs: 15_000 });
      const found = await ask(intoExpression(v.query, joinScopes(clock, scope)), span, signal);
      const sorted = sortChoices(byRegex([...new Set(found)], intoExpression(v.regex, scope)), v.sort);
      return sorted.slice(0, MOST_CHOICES);
    }
  }
}

/** What is chosen: the address's word, then the file's, then the first there is. */
function choose(v: Variable, choices: readonly Choice[], wanted: string[] | null): string[] {
  if (v.kind === 'textbox' || v.kind === 'constant') return [(v.kind === 'textbox' ? wanted?.[0] : undefined) ?? (v.query || v.current?.[0] || '')];
  if (v.kind === 'datasource') return ['promlet'];
  const known = (value: string): boolean => (value === ALL ? v.includeAll : choices.some((c) => c.value === value));
  for (const candidate of [wanted, v.current]) {
    if (!candidate || candidate.length === 0) continue;
    const named = candidate.map((c) => (c === 'All' && v.includeAll && !known('All') ? ALL : c));
    if (candidate === wanted && choices.length === 0) return named;
    const valid = named.filter(known);
    if (valid.length > 0) return v.multi || valid[0] === ALL ? (valid.includes(ALL) ? [ALL] : valid) : [valid[0]!];
  }
  if (choices.length > 0) return [choices[0]!.value];
  return v.includeAll ? [ALL] : [];
}

/** A resolved variable as expressions see it. */
export function bind(r: Resolved, span: TimeSpan): Bound {
  const v = r.variable;
  const textOf = (value: string): string => r.choices.find((c) => c.value === value)?.text ?? value;
  if (r.chosen[0] === ALL) {
    const values = r.choices.map((c) => c.value);
    return { values: values.length ? values : ['.*'], texts: ['All'], many: values.length > 0, custom: v.allValue ?? (values.length ? null : '.*') };
  }
  if (v.kind === 'interval' && r.chosen[0] === autoName(v)) {
    const step = /\((.+)\)/.exec(intervalChoices(v, span)[0]!.text)?.[1] ?? '1m';
    return single(step);
  }
  return { values: r.chosen, texts: r.chosen.map(textOf), many: v.multi || v.includeAll, custom: null };
}

/** `$__interval` in a custom interval list would name the panel's own step: it stays for the panel. */
export function scopeOf(resolved: readonly Resolved[], span: TimeSpan): Scope {
  return new Map(resolved.map((r) => [r.variable.name, bind(r, span)]));
}

/**
 * Finds every variable's choices and value, each after those it depends on. `wanted` is what the
 * address says. A variable whose query fails keeps what was wanted and carries the error.
 */
export async function resolveAll(variables: readonly Variable[], wanted: (name: string) => string[] | null, span: TimeSpan, signal: AbortSignal): Promise<Resolved[]> {
  const needs = dependencies(variables);
  const started = new Map<string, Promise<Resolved>>();
  for (const v of ordered(variables)) {
    const before = [...needs.get(v.name)!].map((n) => started.get(n)).filter((p): p is Promise<Resolved> => p !== undefined);
    const work = async (): Promise<Resolved> => {
      const scope = scopeOf(await Promise.all(before), span);
      try {
        const choices = await choicesOf(v, scope, span, signal);
        return { variable: v, choices, chosen: choose(v, choices, wanted(v.name)), error: null };
      } catch (cause) {
        if (signal.aborted) throw cause;
        return { variable: v, choices: [], chosen: wanted(v.name) ?? v.current ?? [], error: (cause as Error).message };
      }
    };
    started.set(v.name, work());
  }
  return Promise.all(variables.map((v) => started.get(v.name)!));
}
