// One query panel: expression, tabs, answer.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { queryInstant, queryRange, type QueryData, type Reply } from '../api/prometheus.ts';
import { useLoad } from '../core/load.ts';
import { humanDuration } from '../core/time.ts';
import { Icon, IconButton, Segmented, Spinner } from '../core/widgets.tsx';
import { ExpressionField } from '../editor/field.tsx';
import { Catalog } from './catalog.tsx';
import { EndTime, GraphControls } from './controls.tsx';
import { ResultGraph } from './graph.tsx';
import { Empty, QueryError, Remarks } from './problem.tsx';
import { ResultTable } from './table.tsx';
import type { Panel } from './url.ts';

const MOST_POINTS = 11_000;

interface Answer extends Reply<QueryData> {
  tookMs: number;
  expr: string;
  tab: Panel['tab'];
  startMs: number;
  endMs: number;
  stepMs: number;
}

/** Step between points: as asked, else about one every 3 px, in whole seconds where it can be. */
export function stepFor(panel: Panel, width: number): number {
  const least = Math.ceil(panel.rangeMs / (MOST_POINTS - 1));
  if (panel.stepMs !== null) return Math.max(panel.stepMs, least);
  const wanted = panel.rangeMs / Math.max(100, Math.min(width / 3, 600));
  return Math.max(wanted < 1000 ? Math.max(100, Math.floor(wanted)) : Math.floor(wanted / 1000) * 1000, least);
}

async function ask(panel: Panel, width: number, signal: AbortSignal): Promise<Answer> {
  const begun = performance.now();
  const endMs = panel.endMs ?? Date.now();
  const stepMs = stepFor(panel, width);
  const startMs = endMs - panel.rangeMs;
  const reply = panel.tab === 'graph' ? await queryRange(panel.expr, startMs, endMs, stepMs, signal) : await queryInstant(panel.expr, endMs, signal);
  return { ...reply, tookMs: performance.now() - begun, expr: panel.expr, tab: panel.tab, startMs, endMs, stepMs };
}

interface Props {
  panel: Panel;
  index: number;
  only: boolean;
  onChange: (changes: Partial<Panel>) => void;
  onRemove: () => void;
  onDuplicate: () => void;
}

export function QueryPanel(props: Props): JSX.Element {
  const { panel, onChange } = props;
  const [draft, setDraft] = useState(panel.expr);
  const [turn, setTurn] = useState(0);
  const [catalog, setCatalog] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => setDraft(panel.expr), [panel.expr]);
  const { tab, expr, rangeMs, endMs, stepMs } = panel;
  const answer = useLoad<Answer | null>(
    (signal) => (expr.trim() === '' ? Promise.resolve(null) : ask(panel, box.current?.clientWidth ?? 900, signal)),
    [expr, tab, endMs, turn, ...(tab === 'graph' ? [rangeMs, stepMs] : [])],
  );
  const run = (text: string): void => {
    if (text === panel.expr) setTurn(turn + 1);
    else onChange({ expr: text });
  };
  return (
    <section class="card query-panel" ref={box} data-testid={`panel-${props.index}`} aria-label={`query ${props.index + 1}`}>
      <div class="query-line">
        <ExpressionField value={draft} label="PromQL expression" autofocus={props.index === 0 && panel.expr === ''} onChange={setDraft} onSubmit={run} />
        <button type="button" class="button primary" data-testid="execute" onClick={() => run(draft)}>
          <Icon name="play" /> Execute
        </button>
        <IconButton icon="list" label="Metrics: names, types and descriptions" testid="open-catalog" onClick={() => setCatalog(true)} />
        <IconButton icon="copy" label="Duplicate this panel" onClick={props.onDuplicate} />
        {!props.only && <IconButton icon="close" label="Remove this panel" onClick={props.onRemove} />}
      </div>
      <div class="query-controls">
        <Segmented label="view" value={tab} options={[['table', 'Table'], ['graph', 'Graph']]} onChange={(t) => onChange({ tab: t })} />
        {tab === 'graph' ? <GraphControls panel={panel} onChange={onChange} /> : <EndTime panel={panel} onChange={onChange} />}
        <span class="grow" />
        <Spinner on={answer.loading && expr !== ''} />
        {answer.data && !answer.error && <Footing answer={answer.data} graph={tab === 'graph'} />}
      </div>
      {answer.error && <QueryError error={answer.error} expr={expr} />}
      {answer.data && !answer.error && expr !== '' && <Result answer={answer.data} panel={panel} onChange={onChange} />}
      {catalog && (
        <Catalog
          onClose={() => setCatalog(false)}
          onPick={(picked) => {
            setCatalog(false);
            const joined = draft.trim() === '' ? picked : `${draft.trimEnd()} ${picked}`;
            setDraft(joined);
            if (draft.trim() === '') run(joined);
          }}
        />
      )}
      {expr === '' && <p class="empty dim">Write an expression and press Enter. Shift+Enter begins a new line, Ctrl+Space lists what fits.</p>}
    </section>
  );
}

function Footing({ answer, graph }: { answer: Answer; graph: boolean }): JSX.Element {
  const { data } = answer;
  const many = data.resultType === 'vector' || data.resultType === 'matrix' ? data.result.length : 1;
  const samples = data.stats?.samples?.['totalQueryableSamples'];
  return (
    <span class="dim footing" data-testid="footing">
      {many} {many === 1 ? 'result' : 'series'}, {Math.round(answer.tookMs)} ms
      {samples !== undefined && `, ${samples.toLocaleString('en-US')} samples`}
      {graph && `, step ${humanDuration(answer.stepMs)}`}
    </span>
  );
}

function Result({ answer, panel, onChange }: { answer: Answer; panel: Panel; onChange: Props['onChange'] }): JSX.Element {
  const { data } = answer;
  const list = data.resultType === 'vector' || data.resultType === 'matrix' ? data.result : null;
  const body = (): JSX.Element | null => {
    if (answer.tab !== panel.tab) return null; // The answer of the other tab, about to be replaced.
    if (list && list.length === 0) return <Empty expr={answer.expr} atMs={answer.endMs} />;
    if (panel.tab === 'table') return <ResultTable data={data} />;
    if (!list) return null; // Range queries answer with a matrix.
    return (
      <ResultGraph
        series={list}
        startMs={answer.startMs}
        endMs={answer.endMs}
        stepMs={answer.stepMs}
        stacked={panel.stacked}
        fromZero={panel.fromZero}
        expr={answer.expr}
        onZoom={(from, to) => onChange({ rangeMs: Math.max(1000, Math.round((to - from) * 1000)), endMs: Math.round(to * 1000) })}
        onZoomOut={() => onChange({ rangeMs: panel.rangeMs * 2, endMs: panel.endMs === null ? null : panel.endMs + panel.rangeMs / 2 })}
      />
    );
  };
  return (
    <>
      <Remarks warnings={answer.warnings} infos={answer.infos} />
      {body()}
    </>
  );
}
