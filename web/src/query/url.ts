// The query page's state in the address, under the names that Prometheus uses (g0.expr and so on).
import { formatDuration, formatMoment, parseDuration, parseMoment } from '../core/time.ts';

export type Tab = 'table' | 'graph';

export interface Panel {
  expr: string;
  tab: Tab;
  rangeMs: number;
  /** End of the graph's range and moment of the table; null is now. */
  endMs: number | null;
  /** Fixed step; null: as the width asks. */
  stepMs: number | null;
  stacked: boolean;
  /** The y axis begins at zero. */
  fromZero: boolean;
}

export const FRESH: Panel = { expr: '', tab: 'table', rangeMs: 36e5, endMs: null, stepMs: null, stacked: false, fromZero: false };

function readPanel(get: (name: string) => string | null): Panel {
  const tab = get('tab');
  const moment = get('end_input') ?? get('moment_input');
  const step = get('step_input') ?? (get('res_type') === 'fixed' || get('res_type') === 'custom' ? get('res_step') : null);
  const stepSeconds = step === null ? null : parseDuration(step);
  return {
    expr: get('expr') ?? '',
    tab: tab === '0' || tab === 'graph' ? 'graph' : 'table',
    rangeMs: parseDuration(get('range_input') ?? '') || FRESH.rangeMs,
    endMs: moment === null ? null : parseMoment(moment, true),
    stepMs: stepSeconds === null || stepSeconds <= 0 ? null : stepSeconds,
    stacked: get('stacked') === '1' || get('display_mode') === 'stacked',
    fromZero: get('y_axis_min') === '0',
  };
}

/** The panels that an address asks for; always at least one. */
export function readPanels(params: URLSearchParams): Panel[] {
  const indices = new Set<number>();
  for (const key of params.keys()) {
    const m = /^g(\d{1,3})\./.exec(key);
    if (m) indices.add(Number(m[1]));
  }
  const panels = [...indices].sort((a, b) => a - b).map((i) => readPanel((name) => params.get(`g${i}.${name}`)));
  return panels.length > 0 ? panels : [FRESH];
}

export function writePanels(panels: readonly Panel[]): URLSearchParams {
  const out = new URLSearchParams();
  panels.forEach((p, i) => {
    const set = (name: string, value: string): void => out.set(`g${i}.${name}`, value);
    set('expr', p.expr);
    set('tab', p.tab);
    if (p.stacked) set('display_mode', 'stacked');
    if (p.fromZero) set('y_axis_min', '0');
    set('range_input', formatDuration(p.rangeMs));
    if (p.endMs !== null) {
      const moment = formatMoment(p.endMs, true);
      set('end_input', moment);
      set('moment_input', moment);
    }
    if (p.stepMs !== null) {
      set('step_input', String(p.stepMs / 1000));
      set('res_type', 'custom');
      set('res_step', String(p.stepMs / 1000));
    }
  });
  return out;
}

/** A link to the query page for one expression. */
export function queryLink(expr: string, tab: Tab = 'graph', rangeMs = FRESH.rangeMs, endMs: number | null = null): string {
  return `/query?${writePanels([{ ...FRESH, expr, tab, rangeMs, endMs }]).toString()}`;
}
