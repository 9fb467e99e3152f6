// Asking a panel's queries: steps, built-in variables, at most six requests at a time.
import { queryInstant, queryRange } from '../api/prometheus.ts';
import { scrapeIntervalMs } from '../api/promlet.ts';
import { Gate } from '../core/load.ts';
import { parseDuration, resolveTime, roundStep } from '../core/time.ts';
import { toFrames, type Answered, type Frame } from './frames.ts';
import { builtins, intoExpression, intoText, joinScopes, type Scope } from './interpolate.ts';
import { evaluateMath } from './math.ts';
import type { Panel, Target } from './model.ts';
import type { TimeSpan } from './variables.ts';

const MOST_POINTS = 11_000;
const gate = new Gate(6);

export interface PanelData {
  frames: Frame[];
  span: TimeSpan;
  /** One per query that failed: which, and what the server said. */
  errors: { refId: string; expr: string; message: string }[];
  remarks: string[];
}

/** A panel may look further back than its dashboard, or at an earlier time. */
export function panelSpan(panel: Panel, span: TimeSpan, scope: Scope): TimeSpan {
  let { fromMs, toMs } = span;
  if (panel.timeFrom) {
    const back = intoText(panel.timeFrom, scope);
    const from = resolveTime(back.startsWith('now') ? back : `now-${back}`, toMs, false, false);
    if (from !== null) fromMs = from;
  }
  if (panel.timeShift) {
    const by = parseDuration(intoText(panel.timeShift, scope).replace(/^now-/, ''));
    if (by !== null) [fromMs, toMs] = [fromMs - by, toMs - by];
  }
  return { fromMs, toMs };
}

/** "15s", ">1m" or "$interval" to milliseconds; 0 when it says nothing. */
function stepText(text: string, scope: Scope): number {
  return parseDuration(intoText(text, scope).replace(/^>/, '').trim()) ?? 0;
}

/** Step and rate window of a target, as Grafana calculates them, with this server's scrape interval. */
export function clockFor(panel: Panel, target: Target, span: TimeSpan, width: number, scope: Scope): { stepMs: number; scrapeMs: number } {
  const scrape = scrapeIntervalMs();
  const own = stepText(target.minStep, scope);
  const least = own || stepText(panel.minStep, scope) || scrape;
  const rangeMs = span.toMs - span.fromMs;
  const points = panel.maxPoints ?? Math.max(width, 50);
  const wanted = Math.max(roundStep(rangeMs / points), least) * target.stepFactor;
  return { stepMs: Math.max(wanted, Math.ceil(rangeMs / (MOST_POINTS - 1))), scrapeMs: own || scrape };
}

async function askOne(panel: Panel, target: Target, span: TimeSpan, width: number, scope: Scope, signal: AbortSignal): Promise<Answered & { remarks: string[] }> {
  const clock = clockFor(panel, target, span, width, scope);
  const full = joinScopes(builtins({ ...span, ...clock }), scope);
  // Built-ins may stand inside a variable's value (an interval list with $__rate_interval): twice.
  const expr = intoExpression(intoExpression(target.expr, full), full);
  const { stepMs } = clock;
  const [startMs, endMs] = target.instant ? [span.fromMs, span.toMs] : [Math.floor(span.fromMs / stepMs) * stepMs, Math.floor(span.toMs / stepMs) * stepMs];
  const reply = await gate.run(signal, () => (target.instant ? queryInstant(expr, endMs, signal) : queryRange(expr, startMs, endMs, stepMs, signal)));
  const legend = intoText(target.legend, full);
  return { target: { ...target, expr }, data: reply.data, startMs, endMs, stepMs: target.instant ? 0 : stepMs, legend, remarks: [...reply.warnings, ...reply.infos] };
}

/** All of a panel's queries; one that fails does not take the others with it. */
export async function askPanel(panel: Panel, dashboardSpan: TimeSpan, width: number, scope: Scope, signal: AbortSignal): Promise<PanelData> {
  const span = panelSpan(panel, dashboardSpan, scope);
  const used = new Set(panel.targets.filter((t) => t.math !== null).flatMap((t) => [...(t.math ?? '').matchAll(/\$\{?(\w+)\}?/g)].map((m) => m[1]!)));
  const wanted = panel.targets.filter((t) => t.math === null && (!t.hidden || used.has(t.refId)));
  const settled = await Promise.allSettled(wanted.map((t) => askOne(panel, t, span, width, scope, signal)));
  signal.throwIfAborted();
  const answers: (Answered & { remarks: string[] })[] = [];
  const errors: PanelData['errors'] = [];
  settled.forEach((s, i) => {
    if (s.status === 'fulfilled') answers.push(s.value);
    else errors.push({ refId: wanted[i]!.refId, expr: wanted[i]!.expr, message: (s.reason as Error).message });
  });
  const frames = toFrames(answers.filter((a) => !a.target.hidden));
  for (const t of panel.targets) {
    if (t.math === null || t.hidden) continue;
    const made = evaluateMath(t, toFrames(answers));
    if (typeof made === 'string') errors.push({ refId: t.refId, expr: t.math, message: made });
    else frames.push(...made);
  }
  return { frames, span, errors, remarks: [...new Set(answers.flatMap((a) => a.remarks))] };
}
