// Why an expression answered nothing: asks the server a few small questions and says what it found.
import { labelValues, queryInstant, queryRange } from '../api/prometheus.ts';
import { scrapeIntervalMs } from '../api/promlet.ts';
import { formatMoment, humanDuration, parseDuration } from '../core/time.ts';
import { zone } from '../core/settings.ts';
import { selectors, type Selector } from './lex.ts';
import { nearest } from './names.ts';

const MOST_SELECTORS = 5;

const quoted = (names: readonly string[]): string => names.map((n) => `"${n}"`).join(', ');

async function count(selector: string, atMs: number): Promise<number> {
  const { data } = await queryInstant(`count(${selector})`, atMs);
  return data.resultType === 'vector' && data.result[0]?.value ? Number(data.result[0].value[1]) : 0;
}

async function missingMetric(metric: string): Promise<string> {
  const { data: names } = await labelValues('__name__', []);
  if (names.length === 0) return 'Nothing is stored yet: no metric at all. The Targets page says what is being scraped.';
  const near = nearest(metric, names);
  return `There is no metric "${metric}".${near.length ? ` Did you mean ${quoted(near)}?` : ` ${names.length} other names are known.`}`;
}

/** The first matcher that leaves nothing, with the values that do exist. */
async function culprit(metric: string, s: Selector, atMs: number): Promise<string | null> {
  for (const m of s.matchers) {
    if (m.name === '__name__') continue;
    if ((await count(`${metric}{${m.name}${m.op}${JSON.stringify(m.value)}}`, atMs)) > 0) continue;
    const { data: values } = await labelValues(m.name, [metric]);
    const said = `No series of "${metric}" has ${m.name}${m.op}${JSON.stringify(m.value)}.`;
    if (values.length === 0) return `${said} It has no label "${m.name}".`;
    const near = nearest(m.value, values);
    const examples = near.length ? near : values.slice(0, 5);
    return `${said} Values of ${m.name}: ${quoted(examples)}${values.length > examples.length ? `, ${values.length} in all` : ''}.`;
  }
  return null;
}

async function lastSeen(selector: string, atMs: number): Promise<string | null> {
  const step = 6e5;
  const { data } = await queryRange(`count(${selector})`, atMs - 7 * 864e5, atMs, step);
  const last = data.resultType === 'matrix' ? data.result[0]?.values?.at(-1) : undefined;
  if (!last) return null;
  const seen = last[0] * 1000;
  return `${selector} was last seen ${humanDuration(atMs - seen)} earlier, about ${formatMoment(seen, zone.peek() === 'utc')}. Is its target still up?`;
}

async function about(s: Selector, atMs: number): Promise<string | null> {
  const metric = s.metric ?? s.matchers.find((m) => m.name === '__name__' && m.op === '=')?.value ?? null;
  if ((await count(s.text, atMs)) > 0) {
    const range = s.range === null ? null : parseDuration(s.range);
    const interval = scrapeIntervalMs();
    if (range !== null && range < 2 * interval) {
      return `The window [${s.range}] on ${s.text} is shorter than two scrapes (one every ${humanDuration(interval)}): functions like rate() need two samples in it.`;
    }
    return null;
  }
  if (metric === null) return `${s.text} matches no series at this time.`;
  if ((await count(metric, atMs)) > 0) return (await culprit(metric, s, atMs)) ?? `Every matcher of ${s.text} matches something, but no series matches all of them.`;
  return (await lastSeen(s.text, atMs)) ?? (await missingMetric(metric));
}

/** Sentences that explain an empty answer, most useful first. */
export async function whyEmpty(expr: string, atMs: number): Promise<string[]> {
  const said: string[] = [];
  for (const s of selectors(expr).slice(0, MOST_SELECTORS)) {
    const line = await about(s, atMs);
    if (line !== null && !said.includes(line)) said.push(line);
  }
  if (said.length > 0) return said;
  if (/[<>=!]=?\s*(bool\b)?/.test(expr) && /[<>]|==|!=/.test(expr)) return ['The series exist; no value passes the comparison at this time.'];
  if (/\b(and|or|unless|on|ignoring|group_left|group_right)\b|[-+*/%^]/.test(expr)) {
    return ['The series on both sides exist, but none match each other: compare the label sets of the two sides, then say which labels count with on(...) or ignoring(...).'];
  }
  return ['The series exist, but the expression keeps none of them.'];
}
