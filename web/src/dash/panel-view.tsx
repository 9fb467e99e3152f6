// One panel on the grid: loads when it comes into view, shows its picture or says why there is none.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { toApiError } from '../core/load.ts';
import { href } from '../core/prefix.ts';
import { Icon, Popover } from '../core/widgets.tsx';
import { queryLink } from '../query/url.ts';
import { askPanel, panelSpan, type PanelData } from './ask.ts';
import { builtins, intoExpression, intoText, joinScopes, type Scope } from './interpolate.ts';
import type { Placed } from './layout.ts';
import { MissingHint } from './missing.tsx';
import type { Panel } from './model.ts';
import { BarGaugePanel, GaugePanel } from './panels/gauge.tsx';
import type { Drawn } from './panels/frame-props.ts';
import { HeatmapPanel } from './panels/heatmap.tsx';
import { Html, Markdown, safeUrl } from './panels/markup.tsx';
import { PiePanel } from './panels/pie.tsx';
import { StatPanel } from './panels/stat.tsx';
import { StateTimelinePanel } from './panels/state.tsx';
import { TablePanel } from './panels/table.tsx';
import { TimeSeriesPanel } from './panels/timeseries.tsx';
import { transform } from './transform.ts';
import type { TimeSpan } from './variables.ts';

const RENDERERS: Partial<Record<Panel['kind'], (props: Drawn) => JSX.Element | null>> = {
  timeseries: TimeSeriesPanel,
  stat: StatPanel,
  gauge: GaugePanel,
  bargauge: BarGaugePanel,
  barchart: BarGaugePanel,
  table: TablePanel,
  piechart: PiePanel,
  heatmap: HeatmapPanel,
  statetimeline: StateTimelinePanel,
};

interface Props {
  placed: Placed;
  span: TimeSpan;
  /** Rises with every refresh. */
  turn: number;
  sync: string | undefined;
  full: boolean;
  onFull: (on: boolean) => void;
  onZoom: (fromSeconds: number, toSeconds: number) => void;
  onZoomOut: () => void;
}

/** True once the element has come near the window, and whether it is there now. */
function useSeen(ref: { current: Element | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setSeen(entries.some((e) => e.isIntersecting)), { rootMargin: '200px' });
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return seen;
}

/** Asks when in view and something changed since the last time; keeps the old picture meanwhile. */
function usePanelData(props: Props, box: { current: HTMLElement | null }): { data: PanelData | null; loading: boolean } {
  const { placed, span, turn } = props;
  const seen = useSeen(box);
  const [state, setState] = useState<{ data: PanelData | null; loading: boolean }>({ data: null, loading: false });
  const asked = useRef<unknown[]>([]);
  useEffect(() => {
    const wanted = [placed.panel, placed.scope, span.fromMs, span.toMs, turn];
    if (!seen || placed.panel.targets.length === 0 || wanted.every((w, i) => w === asked.current[i])) return;
    const control = new AbortController();
    setState((s) => ({ ...s, loading: true }));
    const width = Math.round((box.current?.clientWidth ?? 600) / 50) * 50;
    askPanel(placed.panel, span, width, placed.scope, control.signal).then(
      (data) => {
        asked.current = wanted;
        setState({ data, loading: false });
      },
      (cause) => {
        if (control.signal.aborted) return;
        asked.current = wanted;
        setState({ data: { frames: [], span, errors: [{ refId: '', expr: '', message: toApiError(cause).message }], remarks: [] }, loading: false });
      },
    );
    return () => control.abort();
  }, [seen, placed.panel, placed.scope, span.fromMs, span.toMs, turn]);
  return state;
}

function Body({ props, data, title }: { props: Props; data: PanelData | null; title: string }): JSX.Element | null {
  const { placed, span } = props;
  const { panel, scope } = placed;
  const worked = useMemo(() => (data ? transform(data.frames, panel.transformations) : null), [data, panel]);
  if (panel.kind === 'text') {
    const filled = intoText(panel.options.content, joinScopes(builtins({ ...span, stepMs: 15e3, scrapeMs: 15e3 }), scope));
    if (panel.options.contentMode === 'code') return <pre class="code">{filled}</pre>;
    return <div class="panel-text">{panel.options.contentMode === 'html' ? <Html source={filled} /> : <Markdown source={filled} />}</div>;
  }
  const Renderer = RENDERERS[panel.kind];
  if (!Renderer) {
    return (
      <div class="panel-empty" data-testid="unsupported">
        <Icon name="info" />
        <p>Not drawn: {panel.problems.join('; ')}.</p>
      </div>
    );
  }
  if (panel.targets.length === 0) {
    return <div class="panel-empty" data-testid="unsupported">{panel.problems.length > 0 ? `Not drawn: ${panel.problems.join('; ')}.` : 'This panel asks nothing.'}</div>;
  }
  if (!data || !worked) return null;
  if (data.frames.length === 0 && data.errors.length > 0) {
    return (
      <div class="panel-empty bad-text" role="alert" data-testid="panel-error">
        <Icon name="warn" />
        <p class="wrap">{data.errors[0]!.message}</p>
      </div>
    );
  }
  if (worked.frames.every((f) => f.fields.every((x) => x.values.length === 0))) return <MissingHint panel={panel} scope={scope} span={span} />;
  return <Renderer panel={panel} frames={worked.frames} data={data} scope={scope} title={title} sync={props.sync} onZoom={props.onZoom} onZoomOut={props.onZoomOut} />;
}

/** Everything there is to say about a panel, behind a small sign in its corner. */
function Remarks({ panel, data, lost }: { panel: Panel; data: PanelData | null; lost: string[] }): JSX.Element | null {
  const drawn = panel.kind !== 'unsupported';
  const problems = [...(drawn ? panel.problems : []), ...lost];
  const errors = data?.errors.map((e) => `${e.refId}: ${e.message}`) ?? [];
  const remarks = data?.remarks ?? [];
  if (problems.length + errors.length + remarks.length === 0) return null;
  return (
    <Popover class="corner" label={`${errors.length ? 'errors' : 'remarks'} on this panel`} button={<Icon name={errors.length ? 'warn' : 'info'} class={errors.length ? 'bad-text' : 'dim'} />}>
      {() => (
        <ul class="remarks">
          {[...errors, ...problems, ...remarks].map((r, i) => (
            <li key={i} class="wrap">
              {r}
            </li>
          ))}
        </ul>
      )}
    </Popover>
  );
}

/** The first query of a panel as a link to the query page, over the same time. */
function queryOf(props: Props): string | null {
  const { panel, scope } = props.placed;
  const target = panel.targets.find((t) => t.math === null && !t.hidden);
  if (!target) return null;
  const span = panelSpan(panel, props.span, scope);
  const clock = { ...span, stepMs: 15_000, scrapeMs: 15_000 };
  const full = joinScopes(builtins(clock), scope);
  return queryLink(intoExpression(intoExpression(target.expr, full), full), target.instant ? 'table' : 'graph', span.toMs - span.fromMs, Math.abs(Date.now() - span.toMs) < 60_000 ? null : span.toMs);
}

function PanelLink({ link, scope }: { link: Panel['links'][number]; scope: Scope }): JSX.Element | null {
  const url = safeUrl(intoText(link.url, scope));
  if (!url) return null;
  const name = intoText(link.title, scope) || url;
  return (
    <a class="icon-button" href={url} aria-label={name} title={name} {...(link.newTab || /^https?:/.test(url) ? { target: '_blank', rel: 'noreferrer' } : {})}>
      <Icon name="external" />
    </a>
  );
}

export function PanelView(props: Props): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const { placed } = props;
  const { panel, scope } = placed;
  const { data, loading } = usePanelData(props, box);
  const span = panelSpan(panel, props.span, scope);
  const title = intoText(panel.title, joinScopes(builtins({ ...span, stepMs: 15e3, scrapeMs: 15e3 }), scope));
  const query = queryOf(props);
  const lost = useMemo(() => (data ? transform([], panel.transformations).problems : []), [data, panel]);
  const b = placed.box;
  const place = props.full ? {} : { '--x': b.x + 1, '--y': b.y + 1, '--w': b.w, '--h': b.h };
  return (
    <section
      ref={box}
      class={`panel ${panel.kind} ${panel.transparent ? 'transparent' : ''} ${props.full ? 'full' : ''}`}
      style={place}
      aria-label={title || panel.kind}
      data-testid="panel"
      data-panel={panel.id}
      data-kind={panel.kind}
      data-state={loading && !data ? 'loading' : data || panel.targets.length === 0 ? 'ready' : 'waiting'}
    >
      <header class="panel-head">
        <h3 title={panel.description || title}>{title}</h3>
        {panel.description && (
          <span class="panel-info" title={panel.description}>
            <Icon name="info" />
          </span>
        )}
        {(panel.timeFrom || panel.timeShift) && <span class="dim small nowrap">{panel.timeFrom ? `last ${intoText(panel.timeFrom, scope).replace(/^now-/, '')}` : `shifted by ${intoText(panel.timeShift ?? '', scope)}`}</span>}
        <span class="grow" />
        <Remarks panel={panel} data={data} lost={lost} />
        <span class="panel-tools">
          {panel.links.slice(0, 3).map((l, i) => (
            <PanelLink key={i} link={l} scope={scope} />
          ))}
          {query && (
            <a class="icon-button" href={href(query)} aria-label={`open "${title}" on the query page`} title="Open on the query page">
              <Icon name="search" />
            </a>
          )}
          <button type="button" class="icon-button" aria-label={props.full ? 'back to the dashboard' : `enlarge "${title}"`} title={props.full ? 'Back' : 'Enlarge'} onClick={() => props.onFull(!props.full)}>
            <Icon name={props.full ? 'close' : 'expand'} />
          </button>
        </span>
      </header>
      <div class="panel-body">
        <Body props={props} data={data} title={title} />
        {loading && <span class="progress" aria-hidden="true" />}
      </div>
    </section>
  );
}
