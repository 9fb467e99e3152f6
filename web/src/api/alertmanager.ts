// Alertmanager's API v2: what the alert pages need of it.
import { prefix } from '../core/prefix.ts';
import { ApiError, type Labels } from './prometheus.ts';

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual?: boolean;
}
export interface Silence {
  id: string;
  status: { state: 'active' | 'pending' | 'expired' };
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}
export interface RoutedAlert {
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  generatorURL?: string;
  fingerprint: string;
  receivers: { name: string }[];
  status: { state: 'unprocessed' | 'active' | 'suppressed'; silencedBy: string[]; inhibitedBy: string[]; mutedBy?: string[] };
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${prefix}/api/v2/${path}`, {
      method,
      signal: signal ?? null,
      ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch (cause) {
    if ((cause as Error).name === 'AbortError') throw cause;
    throw new ApiError('network', 'The server does not answer. Is promlet still running?', 0);
  }
  const text = await response.text();
  if (!response.ok) throw new ApiError('http', errorText(text) || `/api/v2/${path} answered ${response.status}`, response.status);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** v2 errors are a JSON string, or an object with a message. */
function errorText(text: string): string {
  try {
    const body = JSON.parse(text) as unknown;
    if (typeof body === 'string') return body;
    if (body && typeof body === 'object' && 'message' in body) return String(body.message);
  } catch {
    // plain text
  }
  return text.trim().slice(0, 300);
}

export const silences = (signal?: AbortSignal): Promise<Silence[]> => call('GET', 'silences', undefined, signal);
export const routedAlerts = (signal?: AbortSignal): Promise<RoutedAlert[]> => call('GET', 'alerts', undefined, signal);
export const expireSilence = (id: string): Promise<void> => call('DELETE', `silence/${encodeURIComponent(id)}`);
export const createSilence = (silence: Omit<Silence, 'id' | 'status'> & { id?: string }): Promise<{ silenceID: string }> =>
  call('POST', 'silences', silence);

/** A matcher as people write it: job=~"a|b". */
export function matcherText(m: Matcher): string {
  const op = (m.isEqual ?? true) ? (m.isRegex ? '=~' : '=') : m.isRegex ? '!~' : '!=';
  return `${m.name}${op}${JSON.stringify(m.value)}`;
}

/** Does the silence cover a label set? Alertmanager anchors its regexes. */
export function covers(matchers: Matcher[], labels: Labels): boolean {
  return matchers.every((m) => {
    const value = labels[m.name] ?? '';
    let hit: boolean;
    try {
      hit = m.isRegex ? new RegExp(`^(?:${m.value})$`).test(value) : value === m.value;
    } catch {
      return false;
    }
    return (m.isEqual ?? true) ? hit : !hit;
  });
}
