// The query page: any number of panels, all of their state in the address.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { go, params } from '../core/router.ts';
import { recall, remember } from '../core/settings.ts';
import { Icon } from '../core/widgets.tsx';
import { labelValues } from '../api/prometheus.ts';
import { useLoad } from '../core/load.ts';
import { QueryPanel } from './panel.tsx';
import { FRESH, readPanels, writePanels, type Panel } from './url.ts';

const MOST_REMEMBERED = 20;

function recent(): string[] {
  try {
    const list = JSON.parse(recall('queries') ?? '[]') as unknown;
    return Array.isArray(list) ? list.filter((x): x is string => typeof x === 'string') : [];
  } catch {
    return [];
  }
}

function note(expr: string): void {
  if (expr.trim() === '') return;
  remember('queries', JSON.stringify([expr, ...recent().filter((e) => e !== expr)].slice(0, MOST_REMEMBERED)));
}

export function QueryPage(): JSX.Element {
  const panels = readPanels(params.value);
  const write = (next: readonly Panel[]): void => go('/query', writePanels(next));
  const change = (i: number, changes: Partial<Panel>): void => {
    if (changes.expr !== undefined) note(changes.expr);
    write(panels.map((p, k) => (k === i ? { ...p, ...changes } : p)));
  };
  const blank = panels.length === 1 && panels[0]!.expr === '';
  useEffect(() => {
    document.title = `${panels[0]!.expr.slice(0, 60) || 'Query'} - promlet`;
  }, [panels[0]!.expr]);
  return (
    <main class="page" data-testid="page-query">
      {panels.map((panel, i) => (
        <QueryPanel
          key={i}
          index={i}
          panel={panel}
          only={panels.length === 1}
          onChange={(changes) => change(i, changes)}
          onRemove={() => write(panels.filter((_, k) => k !== i))}
          onDuplicate={() => write([...panels.slice(0, i + 1), panel, ...panels.slice(i + 1)])}
        />
      ))}
      {blank && <Start onPick={(expr, tab) => change(0, { expr, tab })} />}
      {!blank && (
        <button type="button" class="button" data-testid="add-panel" onClick={() => write([...panels, { ...FRESH, tab: panels.at(-1)!.tab, rangeMs: panels.at(-1)!.rangeMs, endMs: panels.at(-1)!.endMs }])}>
          <Icon name="plus" /> Add query
        </button>
      )}
    </main>
  );
}

const EXAMPLES: readonly (readonly [string, string, Panel['tab'], string])[] = [
  ['up', 'Which targets answer?', 'table', 'up'],
  ['count by (__name__, job) ({__name__=~".+"})', 'How many series does each metric have?', 'table', 'up'],
  ['scrape_duration_seconds', 'How long does each scrape take?', 'graph', 'scrape_duration_seconds'],
  ['100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])))', 'How busy are the processors?', 'graph', 'node_cpu_seconds_total'],
  ['training_loss', 'Training loss', 'graph', 'training_loss'],
  ['DCGM_FI_DEV_GPU_UTIL', 'GPU utilisation', 'graph', 'DCGM_FI_DEV_GPU_UTIL'],
];

/** Examples that answer something here, and what was asked before. */
function Start({ onPick }: { onPick: (expr: string, tab: Panel['tab']) => void }): JSX.Element {
  const names = useLoad(async (signal) => new Set((await labelValues('__name__', [], undefined, undefined, signal)).data), []);
  const examples = EXAMPLES.filter(([, , , metric]) => names.data?.has(metric));
  const before = recent();
  const list = (rows: readonly (readonly [string, string, Panel['tab']])[]): JSX.Element => (
    <ul class="starters">
      {rows.map(([expr, what, tab]) => (
        <li key={expr}>
          <button type="button" onClick={() => onPick(expr, tab)}>
            <code>{expr}</code>
            <span class="dim">{what}</span>
          </button>
        </li>
      ))}
    </ul>
  );
  return (
    <div class="columns">
      {examples.length > 0 && (
        <section>
          <h2>To begin with</h2>
          {list(examples.map(([e, w, t]) => [e, w, t] as const))}
        </section>
      )}
      {before.length > 0 && (
        <section>
          <h2>Asked before</h2>
          {list(before.slice(0, 8).map((e) => [e, '', 'graph'] as const))}
        </section>
      )}
    </div>
  );
}
