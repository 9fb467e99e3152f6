// One dashboard: variables, time, panels. Its whole state is in the address.
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import * as api from '../api/promlet.ts';
import { useLoad } from '../core/load.ts';
import { href } from '../core/prefix.ts';
import { params, setParams } from '../core/router.ts';
import { visible, zone } from '../core/settings.ts';
import { parseDuration, resolveTime } from '../core/time.ts';
import { ErrorBox, Icon, Popover } from '../core/widgets.tsx';
import { intoText, type Scope } from './interpolate.ts';
import { place, type PlacedSection } from './layout.ts';
import type { Dashboard } from './model.ts';
import { normalize } from './normalize.ts';
import { PanelView } from './panel-view.tsx';
import { safeUrl } from './panels/markup.tsx';
import { TimePicker } from './timepicker.tsx';
import { VariableBar } from './variable-bar.tsx';
import { resolveAll, scopeOf, type TimeSpan } from './variables.ts';

const LEAST_REFRESH_MS = 1000;

export function DashboardPage({ name }: { name: string }): JSX.Element {
  const loaded = useLoad(async (signal) => normalize(await api.dashboard(name, signal)), [name]);
  useEffect(() => {
    document.title = `${loaded.data?.title ?? name} - promlet`;
  }, [loaded.data, name]);
  if (loaded.error) {
    return (
      <main class="page" data-testid="page-dashboard">
        <ErrorBox error={loaded.error} title={`The dashboard "${name}" cannot be shown`} />
        <a class="button" href={href('/dashboards')}>
          All dashboards
        </a>
      </main>
    );
  }
  if (!loaded.data) return <main class="page" data-testid="page-dashboard" />;
  return <View key={name} name={name} dashboard={loaded.data} />;
}

/** The time range in the address, else the file's own, resolved anew with every refresh. */
function useSpan(d: Dashboard): { from: string; to: string; span: TimeSpan; refresh: string; turn: number; now: () => void } {
  const from = params.value.get('from') ?? d.from;
  const to = params.value.get('to') ?? d.to;
  const refresh = params.value.get('refresh') ?? d.refresh;
  const [turn, setTurn] = useState(0);
  const utc = d.utc ?? zone.value === 'utc';
  const span = useMemo(() => {
    const at = Date.now();
    const toMs = resolveTime(to, at, true, utc) ?? at;
    const fromMs = resolveTime(from, at, false, utc) ?? toMs - 36e5;
    return { fromMs: Math.min(fromMs, toMs - 1000), toMs };
  }, [from, to, turn, utc]);
  const every = parseDuration(refresh) ?? 0;
  const seen = visible.value;
  useEffect(() => {
    if (every <= 0 || !seen) return;
    const timer = setInterval(() => setTurn((t) => t + 1), Math.max(every, LEAST_REFRESH_MS));
    return () => clearInterval(timer);
  }, [every, seen]);
  return { from, to, span, refresh, turn, now: () => setTurn((t) => t + 1) };
}

function View({ name, dashboard: d }: { name: string; dashboard: Dashboard }): JSX.Element {
  const { from, to, span, refresh, turn, now } = useSpan(d);
  const wanted = (variable: string): string[] | null => {
    const values = params.value.getAll(`var-${variable}`);
    return values.length > 0 ? values : null;
  };
  const asked = d.variables.map((v) => params.value.getAll(`var-${v.name}`).join('\u0000')).join('\u0001');
  const timely = d.variables.some((v) => v.followsTime || v.auto) ? `${from} ${to}` : '';
  const variables = useLoad((signal) => resolveAll(d.variables, wanted, span, signal), [d, asked, timely]);
  const scope = useMemo<Scope | null>(() => variables.data && scopeOf(variables.data, span), [variables.data]);
  const sections = useMemo(() => (scope ? place(d.sections, scope) : []), [d, scope]);
  const full = params.value.get('viewPanel');
  const range = (a: number, b: number): void => setParams({ from: String(Math.round(a)), to: String(Math.round(b)) });
  const zoomOut = (): void => {
    const half = (span.toMs - span.fromMs) / 2;
    range(span.fromMs - half, Math.min(span.toMs + half, Date.now()));
  };
  const shift = (by: -1 | 1): void => {
    const half = ((span.toMs - span.fromMs) / 2) * by;
    range(span.fromMs + half, span.toMs + half);
  };
  const panelProps = { span, turn, sync: d.sharedCrosshair ? `dash/${name}` : undefined, onZoom: (a: number, b: number) => range(a * 1000, b * 1000), onZoomOut: zoomOut };
  return (
    <main class="page wide" data-testid="page-dashboard" data-ready={scope !== null}>
      <div class="page-head dash-head">
        <h1 title={d.description || undefined}>{d.title}</h1>
        <Problems d={d} />
        <span class="grow" />
        <TimePicker from={from} to={to} refresh={refresh} onRange={(a, b) => setParams({ from: a, to: b })} onRefresh={(r) => setParams({ refresh: r === d.refresh ? null : r }, true)} onNow={now} onShift={shift} onZoomOut={zoomOut} />
      </div>
      <div class="dash-sub">
        {variables.data && <VariableBar resolved={variables.data} onChoose={(v, values) => setParams({ [`var-${v}`]: values })} />}
        {scope && <Links d={d} name={name} scope={scope} />}
      </div>
      {variables.error && <ErrorBox error={variables.error} />}
      {full ? <Full sections={sections} wanted={full} panelProps={panelProps} /> : sections.map((s) => <SectionView key={s.key} section={s} panelProps={panelProps} />)}
      {scope && sections.length === 0 && <p class="empty">This dashboard has no panels.</p>}
    </main>
  );
}

type PanelProps = Omit<Parameters<typeof PanelView>[0], 'placed' | 'full' | 'onFull'>;

function Full({ sections, wanted, panelProps }: { sections: PlacedSection[]; wanted: string; panelProps: PanelProps }): JSX.Element {
  const placed = sections.flatMap((s) => s.panels).find((p) => p.key === wanted || String(p.panel.id) === wanted);
  if (!placed) {
    return (
      <p class="empty">
        There is no panel {wanted} here.{' '}
        <button type="button" class="button small" onClick={() => setParams({ viewPanel: null })}>
          All panels
        </button>
      </p>
    );
  }
  return <PanelView {...panelProps} placed={placed} full onFull={() => setParams({ viewPanel: null })} />;
}

function SectionView({ section, panelProps }: { section: PlacedSection; panelProps: PanelProps }): JSX.Element {
  const { row } = section;
  const [open, setOpen] = useState(!row?.collapsed);
  const title = row ? intoText(row.title, section.scope) : '';
  return (
    <section class="dash-section" data-testid="section" aria-label={title || undefined}>
      {row && (
        <button type="button" class="row-head" aria-expanded={open} data-testid="row" onClick={() => setOpen(!open)}>
          <Icon name="chevron" class={open ? 'down' : ''} />
          {title || 'Row'}
          {!open && <span class="dim">{section.panels.length} panels</span>}
        </button>
      )}
      {open && section.panels.length > 0 && (
        <div class="grid">
          {section.panels.map((p) => (
            <PanelView key={p.key} {...panelProps} placed={p} full={false} onFull={() => setParams({ viewPanel: p.key })} />
          ))}
        </div>
      )}
    </section>
  );
}

/** What of the whole file could not be honoured, and how many panels are affected. */
function Problems({ d }: { d: Dashboard }): JSX.Element | null {
  const panels = d.sections.flatMap((s) => s.panels);
  const lacking = panels.filter((p) => p.kind === 'unsupported');
  if (d.problems.length + lacking.length === 0) return null;
  return (
    <Popover align="left" label="what is not shown" testid="problems" button={<><Icon name="info" /> {lacking.length > 0 ? `${panels.length - lacking.length} of ${panels.length} panels` : 'Notes'}</>}>
      {() => (
        <ul class="remarks">
          {d.problems.map((p) => (
            <li key={p} class="wrap">
              {p}
            </li>
          ))}
          {lacking.map((p) => (
            <li key={p.id} class="wrap">
              {p.title || `panel ${p.id}`}: {p.problems.join('; ')}
            </li>
          ))}
        </ul>
      )}
    </Popover>
  );
}

function Links({ d, name, scope }: { d: Dashboard; name: string; scope: Scope }): JSX.Element | null {
  const tagged = useLoad(async (signal) => (d.links.some((l) => l.url === null) ? (await api.dashboards(signal)).data : []), [d]);
  const keep = (l: Dashboard['links'][number]): string => {
    const out = new URLSearchParams();
    for (const [k, v] of params.value) {
      if ((l.keepTime && (k === 'from' || k === 'to')) || (l.keepVars && k.startsWith('var-'))) out.append(k, v);
    }
    const text = out.toString();
    return text ? `?${text}` : '';
  };
  const entries = d.links.flatMap((l) => {
    if (l.url !== null) {
      const url = safeUrl(intoText(l.url, scope));
      return url ? [{ title: intoText(l.title, scope) || url, url, newTab: l.newTab || /^https?:/.test(url) }] : [];
    }
    const others = (tagged.data ?? []).filter((e) => !e.error && e.name !== name && (l.tags.length === 0 || l.tags.some((t) => e.tags.includes(t))));
    return others.map((e) => ({ title: e.title, url: href(`/dashboards/${encodeURIComponent(e.name)}${keep(l)}`), newTab: false }));
  });
  if (entries.length === 0) return null;
  return (
    <nav class="dash-links" aria-label="links of this dashboard">
      {entries.slice(0, 30).map((e, i) => (
        <a key={i} href={e.url} {...(e.newTab ? { target: '_blank', rel: 'noreferrer' } : {})}>
          {e.title}
          {e.newTab && <Icon name="external" />}
        </a>
      ))}
    </nav>
  );
}
