// The Prometheus HTTP API v1: typed calls, errors as the server words them.
import { prefix } from '../core/prefix.ts';

export type Labels = Record<string, string>;
/** [unix seconds, value as text] */
export type Sample = [number, string];
export interface NativeHistogram {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}
export interface Series {
  metric: Labels;
  value?: Sample;
  values?: Sample[];
  histogram?: [number, NativeHistogram];
  histograms?: [number, NativeHistogram][];
}
export type QueryData =
  | { resultType: 'vector'; result: Series[]; stats?: QueryStats }
  | { resultType: 'matrix'; result: Series[]; stats?: QueryStats }
  | { resultType: 'scalar'; result: Sample; stats?: QueryStats }
  | { resultType: 'string'; result: Sample; stats?: QueryStats };
export interface QueryStats {
  timings?: Record<string, number>;
  samples?: Record<string, number>;
}
export interface Reply<T> {
  data: T;
  warnings: string[];
  infos: string[];
  explain?: Explanation;
}

/** What the server answered instead of data. `kind` is the API's errorType, or "network". */
export class ApiError extends Error {
  constructor(
    readonly kind: string,
    message: string,
    readonly status: number,
    /** What to write instead, where the server can tell. */
    readonly hint: string = '',
  ) {
    super(message);
  }
}

/** One part of an expression, evaluated by itself. */
export interface ExplainedPart {
  expr: string;
  seriesIn: number;
  seriesOut: number;
  points: number;
  samples: number;
  seconds: number;
  parts: ExplainedPart[];
}

/** Where an answer became empty; `also`: other sides that are empty by themselves. */
export interface ExplainedEmptiness {
  expr: string;
  reason: string;
  text: string;
  also?: ExplainedEmptiness[];
}

export interface Explanation {
  tree: ExplainedPart;
  empty: ExplainedEmptiness | null;
  hints: string[];
}

interface Envelope<T> {
  status: 'success' | 'error';
  data?: T;
  errorType?: string;
  error?: string;
  hint?: string;
  explain?: Explanation;
  warnings?: string[];
  infos?: string[];
}

async function fetchText(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    if ((cause as Error).name === 'AbortError') throw cause;
    throw new ApiError('network', 'The server does not answer. Is promlet still running?', 0);
  }
}

function parseEnvelope<T>(url: string, status: number, text: string): Reply<T> {
  let body: Envelope<T> | null = null;
  try {
    body = JSON.parse(text) as Envelope<T>;
  } catch {
    // Not JSON: an error page, or plain text before the store is open.
  }
  if (body?.status === 'success' && body.data !== undefined) {
    return { data: body.data, warnings: body.warnings ?? [], infos: body.infos ?? [], ...(body.explain ? { explain: body.explain } : {}) };
  }
  if (body?.status === 'error') throw new ApiError(body.errorType ?? 'internal', body.error ?? 'unknown error', status, body.hint ?? '');
  const said = text.trim().slice(0, 300);
  throw new ApiError('http', `${new URL(url, location.href).pathname} answered ${status}${said ? `: ${said}` : ''}`, status);
}

/** GET an API v1 path with parameters. */
export async function get<T>(path: string, query: Record<string, string | string[]> = {}, signal?: AbortSignal): Promise<Reply<T>> {
  const search = encode(query).toString();
  const url = `${prefix}/api/v1/${path}${search ? `?${search}` : ''}`;
  const { status, text } = await fetchText(url, { signal: signal ?? null });
  return parseEnvelope<T>(url, status, text);
}

/** GET a document that may come with or without the envelope. */
export async function getBare(path: string, signal?: AbortSignal): Promise<unknown> {
  const url = `${prefix}/api/v1/${path}`;
  const { status, text } = await fetchText(url, { signal: signal ?? null });
  try {
    const body = JSON.parse(text) as Partial<Envelope<unknown>>;
    if (status < 400 && !(body?.status === 'success' && body.data !== undefined)) return body;
  } catch {
    // Not JSON: the envelope's reader words the error.
  }
  return (parseEnvelope<unknown>(url, status, text)).data;
}

/** POST a form to an API v1 path: long expressions do not fit into an address. */
export async function post<T>(path: string, form: Record<string, string | string[]>, signal?: AbortSignal): Promise<Reply<T>> {
  const url = `${prefix}/api/v1/${path}`;
  const { status, text } = await fetchText(url, { method: 'POST', body: encode(form), signal: signal ?? null });
  return parseEnvelope<T>(url, status, text);
}

function encode(fields: Record<string, string | string[]>): URLSearchParams {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(fields)) {
    if (Array.isArray(value)) for (const one of value) out.append(key, one);
    else if (value !== '') out.append(key, value);
  }
  return out;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

export function queryInstant(expr: string, atMs: number | null, signal?: AbortSignal): Promise<Reply<QueryData>> {
  return post('query', { query: expr, time: atMs === null ? '' : seconds(atMs), stats: 'true' }, signal);
}

/** What the parts of an expression did; null from servers that do not explain. */
export async function explainInstant(expr: string, atMs: number): Promise<Explanation | null> {
  const reply = await post<QueryData>('query', { query: expr, time: seconds(atMs), explain: 'true' });
  return reply.explain ?? null;
}

export function queryRange(expr: string, startMs: number, endMs: number, stepMs: number, signal?: AbortSignal): Promise<Reply<QueryData>> {
  const form = { query: expr, start: seconds(startMs), end: seconds(endMs), step: seconds(stepMs), stats: 'true' };
  return post('query_range', form, signal);
}

export function labelValues(label: string, match: string[], startMs?: number, endMs?: number, signal?: AbortSignal): Promise<Reply<string[]>> {
  return get(`label/${encodeURIComponent(label)}/values`, window_(match, startMs, endMs), signal);
}

export function labelNames(match: string[], startMs?: number, endMs?: number, signal?: AbortSignal): Promise<Reply<string[]>> {
  return get('labels', window_(match, startMs, endMs), signal);
}

export function series(match: string[], startMs?: number, endMs?: number, signal?: AbortSignal): Promise<Reply<Labels[]>> {
  return get('series', window_(match, startMs, endMs), signal);
}

function window_(match: string[], startMs?: number, endMs?: number): Record<string, string | string[]> {
  return {
    'match[]': match,
    start: startMs === undefined ? '' : seconds(startMs),
    end: endMs === undefined ? '' : seconds(endMs),
  };
}

export interface Metadata {
  type: string;
  help: string;
  unit: string;
}
export const metadata = (metric = '', signal?: AbortSignal): Promise<Reply<Record<string, Metadata[]>>> =>
  get('metadata', { metric }, signal);

export interface ActiveTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: 'up' | 'down' | 'unknown';
  scrapeInterval: string;
  scrapeTimeout: string;
}
export interface Targets {
  activeTargets: ActiveTarget[];
  droppedTargets: { discoveredLabels: Labels; scrapePool?: string }[];
  droppedTargetCounts?: Record<string, number>;
}

export interface ActiveAlert {
  labels: Labels;
  annotations: Labels;
  state: 'pending' | 'firing' | 'inactive';
  activeAt?: string;
  keepFiringSince?: string;
  value: string;
}
export interface Rule {
  name: string;
  query: string;
  labels?: Labels;
  annotations?: Labels;
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
  type: 'alerting' | 'recording';
  state?: 'inactive' | 'pending' | 'firing' | 'unknown';
  duration?: number;
  keepFiringFor?: number;
  alerts?: ActiveAlert[];
}
export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: Rule[];
}

/** The label set as PromQL writes it, the metric's name first. */
export function seriesName(labels: Labels): string {
  const { __name__: name, ...rest } = labels;
  const inner = Object.entries(rest).map(([k, v]) => `${labelName(k)}=${JSON.stringify(v)}`);
  if (name !== undefined && /^[a-zA-Z_:][\w:]*$/.test(name)) return inner.length ? `${name}{${inner.join(', ')}}` : name;
  if (name !== undefined) inner.unshift(JSON.stringify(name));
  return `{${inner.join(', ')}}`;
}

/** A label's name, quoted where the classic form does not hold it. */
export const labelName = (name: string): string => (/^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name));

/** The API's value text as a number. */
export function numeric(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
