// Variables into expressions, titles and links. Pure.
import { formatDuration } from '../core/time.ts';

/** A variable's chosen values; `all` says that they stand for "All". */
export interface Bound {
  values: string[];
  texts: string[];
  /** More than one value could be chosen: values are regex-escaped in expressions. */
  many: boolean;
  /** Used as it stands instead of the joined values, where "All" has a value of its own. */
  custom: string | null;
}

export type Scope = ReadonlyMap<string, Bound>;

export const single = (value: string): Bound => ({ values: [value], texts: [value], many: false, custom: null });

const escapeRegex = (v: string): string => v.replace(/[\\^$.*+?()[\]{}|/]/g, (c) => (c === '/' ? c : c === '\\' ? '\\\\\\\\' : `\\\\${c}`));
const escapeQuotes = (v: string): string => v.replace(/\\/g, '\\\\').replace(/"/g, '\\"');

/** How an expression spells a variable that has no format of its own. */
function inExpression(b: Bound): string {
  if (b.custom !== null) return b.custom;
  if (!b.many) return escapeQuotes(b.values[0] ?? '');
  const escaped = b.values.map(escapeRegex);
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
}

function formatted(b: Bound, format: string): string {
  const values = b.custom !== null ? [b.custom] : b.values;
  const plainRegex = (v: string): string => v.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  switch (format.split(':')[0]) {
    case 'raw':
    case 'csv':
      return values.join(',');
    case 'pipe':
      return values.join('|');
    case 'regex':
      return values.length === 1 ? plainRegex(values[0]!) : `(${values.map(plainRegex).join('|')})`;
    case 'json':
      return JSON.stringify(values.length === 1 ? values[0] : values);
    case 'doublequote':
      return values.map((v) => `"${escapeQuotes(v)}"`).join(',');
    case 'singlequote':
      return values.map((v) => `'${v.replace(/'/g, "\\'")}'`).join(',');
    case 'glob':
      return values.length === 1 ? values[0]! : `{${values.join(',')}}`;
    case 'distributed':
      return values.join(',');
    case 'percentencode':
      return encodeURIComponent(values.join(','));
    case 'text':
      return b.texts.join(' + ');
    default:
      return inExpression(b);
  }
}

const REFERENCE = /\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]|\$\{(\w+)(?:\.(\w+))?(?::([^}]+))?\}/g;

function replace(source: string, scope: Scope, write: (b: Bound, format: string | undefined) => string): string {
  return source.replace(REFERENCE, (all, a: string, b: string, bFormat: string, c: string, field: string, cFormat: string) => {
    const bound = scope.get(a ?? b ?? c);
    if (!bound) return all;
    return write(bound, field === 'text' ? 'text' : (cFormat ?? bFormat));
  });
}

/** Into a PromQL expression. */
export const intoExpression = (source: string, scope: Scope): string => replace(source, scope, (b, f) => (f === undefined ? inExpression(b) : formatted(b, f)));

/** Into words that people read. */
export const intoText = (source: string, scope: Scope): string =>
  replace(source, scope, (b, f) => (f === undefined || f === 'text' ? b.texts.join(' + ') : formatted(b, f)));

/** Names of the variables that a text mentions. */
export function mentioned(source: string): string[] {
  return [...source.matchAll(REFERENCE)].map((m) => (m[1] ?? m[2] ?? m[4])!);
}

export interface Clock {
  fromMs: number;
  toMs: number;
  stepMs: number;
  /** Time between two scrapes, or the target's own least step. */
  scrapeMs: number;
}

/** `$__interval` and its kin. A rate window of four scrapes survives a missed one. */
export function builtins(clock: Clock): Map<string, Bound> {
  const rateMs = Math.max(clock.stepMs + clock.scrapeMs, 4 * clock.scrapeMs);
  const rangeMs = clock.toMs - clock.fromMs;
  const entries: [string, string][] = [
    ['__interval', formatDuration(clock.stepMs)],
    ['__interval_ms', String(clock.stepMs)],
    ['__rate_interval', formatDuration(rateMs)],
    ['__rate_interval_ms', String(rateMs)],
    ['__range', `${Math.round(rangeMs / 1000)}s`],
    ['__range_s', String(Math.round(rangeMs / 1000))],
    ['__range_ms', String(Math.round(rangeMs))],
    ['__from', String(Math.round(clock.fromMs))],
    ['__to', String(Math.round(clock.toMs))],
  ];
  return new Map(entries.map(([k, v]) => [k, single(v)]));
}

/** Later scopes win. */
export const joinScopes = (...scopes: Scope[]): Scope => new Map(scopes.flatMap((s) => [...s]));
