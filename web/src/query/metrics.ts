// Names for completion, asked of the server and kept for a minute.
import { labelNames, labelValues, metadata, type Metadata } from '../api/prometheus.ts';

const KEEP_MS = 60_000;
const MOST_KEPT = 200;
const kept = new Map<string, { at: number; answer: Promise<unknown> }>();

function keep<T>(key: string, ask: () => Promise<T>): Promise<T> {
  const old = kept.get(key);
  if (old && performance.now() - old.at < KEEP_MS) return old.answer as Promise<T>;
  if (kept.size >= MOST_KEPT) kept.clear();
  const answer = ask();
  kept.set(key, { at: performance.now(), answer });
  answer.catch(() => kept.delete(key));
  return answer;
}

const match = (metric: string | null): string[] => (metric ? [`{__name__=${JSON.stringify(metric)}}`] : []);

export const metricNames = (): Promise<string[]> => keep('names', async () => (await labelValues('__name__', [])).data);
export const metricMetadata = (): Promise<Record<string, Metadata[]>> => keep('metadata', async () => (await metadata()).data);
export const labelsOf = (metric: string | null): Promise<string[]> =>
  keep(`labels ${metric}`, async () => (await labelNames(match(metric))).data.filter((n) => n !== '__name__'));
export const valuesOf = (label: string, metric: string | null): Promise<string[]> =>
  keep(`values ${label} ${metric}`, async () => (await labelValues(label, match(metric))).data);

/** Metadata of a series name: histograms and summaries are described under the family's name. */
export function describe(all: Record<string, Metadata[]>, name: string): Metadata | null {
  return (all[name] ?? all[name.replace(/_(bucket|sum|count|total|created)$/, '')] ?? [])[0] ?? null;
}
