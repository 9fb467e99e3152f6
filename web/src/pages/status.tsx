// The status page: build, runtime, storage, settings that are accepted but not acted on, flags, configuration.
import type { ComponentChildren, JSX } from 'preact';
import { get } from '../api/prometheus.ts';
import { momentMs, overview, type Note, type Overview as ServerOverview } from '../api/promlet.ts';
import { useLoad } from '../core/load.ts';
import { params, setParams } from '../core/router.ts';
import { zone } from '../core/settings.ts';
import { formatMoment, humanDuration } from '../core/time.ts';
import { ErrorBox, Message, Segmented } from '../core/widgets.tsx';
import { useNow } from '../core/now.ts';
import { queryLink } from '../query/url.ts';
import { href, prefix } from '../core/prefix.ts';

type Tab = 'overview' | 'tsdb' | 'flags' | 'config';
type Facts = Record<string, string | number | boolean>;
interface Tally {
  name: string;
  value: number;
}
interface TsdbStatus {
  headStats: { numSeries: number; numLabelPairs?: number; chunkCount?: number; minTime: number; maxTime: number };
  seriesCountByMetricName: Tally[];
  labelValueCountByLabelName: Tally[];
  memoryInBytesByLabelName: Tally[];
  seriesCountByLabelValuePair: Tally[];
}

/** What Prometheus names after its own language, in words that hold for us. */
const WORDS: Record<string, string> = {
  CWD: 'Working directory',
  goroutineCount: 'Threads',
  GOMAXPROCS: 'Processors',
  GOMEMLIMIT: 'Memory limit',
  goVersion: 'Compiler',
};
/** The limit that Prometheus reports where there is none, as a number of JavaScript. */
const NO_LIMIT = 2 ** 63;

/** "reloadConfigSuccess" as "Reload config success". */
function spoken(key: string): string {
  const known = WORDS[key];
  if (known) return known;
  const words = key.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/_/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1).replace(/ [A-Z](?=[a-z])/g, (m) => m.toLowerCase());
}

function factText(value: string | number | boolean, utc: boolean): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return formatMoment(Date.parse(value), utc);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (value === NO_LIMIT) return 'none';
  return typeof value === 'number' && Math.abs(value) >= 1e4 ? value.toLocaleString('en-US') : String(value);
}

function FactTable({ title, facts, testid }: { title: string; facts: Facts | null; testid: string }): JSX.Element {
  const utc = zone.value === 'utc';
  const rows = Object.entries(facts ?? {}).filter(([, v]) => v !== '' && v !== null);
  return (
    <section class="card">
      <h2 class="card-head">{title}</h2>
      <table class="data facts" data-testid={testid}>
        <tbody>
          {rows.map(([k, v]) => (
            <tr key={k}>
              <th scope="row">{spoken(k)}</th>
              <td class="wrap">{factText(v, utc)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Notes({ notes }: { notes: Note[] }): JSX.Element | null {
  if (notes.length === 0) return null;
  return (
    <section class="card" data-testid="notes">
      <h2 class="card-head">Accepted, but not acted on</h2>
      <p class="card-text dim">These settings are understood and have no effect in this version.</p>
      <table class="data">
        <tbody>
          {notes.map((n, i) => (
            <tr key={i}>
              <td class="mono nowrap">
                {n.file}:{n.line}:{n.column}
              </td>
              <td class="wrap">{n.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Tile({ name, value }: { name: string; value: ComponentChildren }): JSX.Element {
  return (
    <div class="tile">
      <div class="tile-value">{value}</div>
      <div class="tile-name">{name}</div>
    </div>
  );
}

function Overview(): JSX.Element {
  const build = useLoad((s) => get<Facts>('status/buildinfo', {}, s), []);
  const runtime = useLoad((s) => get<Facts>('status/runtimeinfo', {}, s), [], 10_000);
  const tsdb = useLoad((s) => get<TsdbStatus>('status/tsdb', {}, s), [], 10_000);
  const fresh = useLoad((s) => get<ServerOverview>('promlet/overview', {}, s), [], 10_000);
  const problems = fresh.data?.data.problems ?? overview.value?.problems ?? [];
  const now = useNow(1000);
  const started = overview.value ? momentMs(overview.value.started_at) : Date.parse(String(runtime.data?.data['startTime'] ?? ''));
  const head = tsdb.data?.data.headStats;
  const span = head && head.maxTime > head.minTime && head.minTime > 0 ? humanDuration(head.maxTime - head.minTime) : '-';
  return (
    <>
      {(build.error ?? runtime.error) && <ErrorBox error={(build.error ?? runtime.error)!} />}
      <div class="tiles" data-testid="tiles">
        <Tile name="up for" value={Number.isFinite(started) ? humanDuration(now - started) : '-'} />
        <Tile name="series" value={head ? head.numSeries.toLocaleString('en-US') : '-'} />
        <Tile name="of data" value={span} />
        <Tile name="retention" value={String(runtime.data?.data['storageRetention'] ?? '-')} />
      </div>
      {overview.value?.mode === 'zero-config' && (
        <Message tone="info">
          No configuration file was given: promlet scrapes itself and the exporters it finds on this machine. Write a prometheus.yml and start promlet beside it to choose for yourself.
        </Message>
      )}
      {problems.map((text) => (
        <Message key={text} tone="bad" testid="problem">
          {text}
        </Message>
      ))}
      <Notes notes={overview.value?.notes ?? []} />
      <div class="columns">
        <FactTable title="Runtime" facts={runtime.data?.data ?? null} testid="runtime" />
        <FactTable title="Build" facts={build.data?.data ?? null} testid="build" />
      </div>
      <p class="dim">
        Own metrics: <a href={`${prefix}/metrics`} target="_blank" rel="noreferrer">/metrics</a>. Bundled software: <a href={`${prefix}/assets/licences.txt`} target="_blank" rel="noreferrer">licences</a>.
      </p>
    </>
  );
}

function TopList({ title, rows, link }: { title: string; rows: Tally[]; link?: (name: string) => string }): JSX.Element {
  const most = Math.max(1, ...rows.map((r) => r.value));
  return (
    <section class="card">
      <h2 class="card-head">{title}</h2>
      <table class="data top-list">
        <tbody>
          {rows.map((r) => (
            <tr key={r.name}>
              <td class="mono wrap">{link ? <a href={href(link(r.name))}>{r.name}</a> : r.name}</td>
              <td class="meter-cell">
                <span class="meter">
                  <span style={{ width: `${(r.value / most) * 100}%` }} />
                </span>
              </td>
              <td class="num">{r.value.toLocaleString('en-US')}</td>
            </tr>
          ))}
          {rows.length === 0 && (
            <tr>
              <td class="dim">nothing to list</td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function Tsdb(): JSX.Element {
  const loaded = useLoad((s) => get<TsdbStatus>('status/tsdb', { limit: '12' }, s), [], 15_000);
  const t = loaded.data?.data;
  const utc = zone.value === 'utc';
  const head = t?.headStats;
  return (
    <>
      {loaded.error && <ErrorBox error={loaded.error} />}
      {head && (
        <div class="tiles" data-testid="head">
          <Tile name="series" value={head.numSeries.toLocaleString('en-US')} />
          {head.numLabelPairs !== undefined && <Tile name="label pairs" value={head.numLabelPairs.toLocaleString('en-US')} />}
          {head.chunkCount !== undefined && <Tile name="chunks" value={head.chunkCount.toLocaleString('en-US')} />}
          {head.minTime > 0 && head.minTime < 9e15 && <Tile name="from" value={<span class="tile-moment">{formatMoment(head.minTime, utc)}</span>} />}
          {head.maxTime > 0 && <Tile name="to" value={<span class="tile-moment">{formatMoment(head.maxTime, utc)}</span>} />}
        </div>
      )}
      {t && (
        <div class="columns">
          <TopList title="Series by metric" rows={t.seriesCountByMetricName} link={(name) => queryLink(`count by (job) ({__name__=${JSON.stringify(name)}})`, 'table')} />
          <TopList title="Values by label" rows={t.labelValueCountByLabelName} />
          <TopList title="Series by label pair" rows={t.seriesCountByLabelValuePair} />
          <TopList title="Bytes by label" rows={t.memoryInBytesByLabelName} />
        </div>
      )}
    </>
  );
}

function Flags(): JSX.Element {
  const loaded = useLoad((s) => get<Record<string, string>>('status/flags', {}, s), []);
  const text = (params.value.get('search') ?? '').toLowerCase();
  const rows = Object.entries(loaded.data?.data ?? {}).filter(([k, v]) => k.toLowerCase().includes(text) || v.toLowerCase().includes(text));
  return (
    <section class="card">
      <div class="card-head">
        <h2>Command-line flags</h2>
        <span class="grow" />
        <input class="input search" type="search" aria-label="filter flags" placeholder="Filter" value={text} onInput={(e) => setParams({ search: e.currentTarget.value || null }, true)} />
      </div>
      {loaded.error && <ErrorBox error={loaded.error} />}
      <table class="data facts" data-testid="flags">
        <tbody>
          {rows.map(([k, v]) => (
            <tr key={k}>
              <th scope="row" class="mono">
                --{k}
              </th>
              <td class="mono wrap">{v === '' ? <span class="dim">empty</span> : v}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Config(): JSX.Element {
  const loaded = useLoad((s) => get<{ yaml: string }>('status/config', {}, s), []);
  const notes = overview.value?.notes ?? [];
  return (
    <>
      <Notes notes={notes} />
      <section class="card">
        <h2 class="card-head">Configuration in effect</h2>
        {loaded.error && <ErrorBox error={loaded.error} />}
        <pre class="code" data-testid="config">
          {loaded.data?.data.yaml || 'No configuration file: promlet runs on its built-in defaults.'}
        </pre>
      </section>
    </>
  );
}

const TABS: readonly (readonly [Tab, string])[] = [
  ['overview', 'Overview'],
  ['tsdb', 'Storage'],
  ['flags', 'Flags'],
  ['config', 'Configuration'],
];

export function StatusPage({ tab: fixed }: { tab?: Tab }): JSX.Element {
  const wanted = params.value.get('tab') as Tab | null;
  const tab = TABS.some(([t]) => t === wanted) ? wanted! : (fixed ?? 'overview');
  return (
    <main class="page" data-testid="page-status">
      <div class="page-head">
        <h1>Status</h1>
        {overview.value && <span class="dim">promlet {overview.value.version}</span>}
        <span class="grow" />
        <Segmented<Tab> label="section" value={tab} options={TABS} onChange={(t) => setParams({ tab: t, search: null })} />
      </div>
      {tab === 'overview' && <Overview />}
      {tab === 'tsdb' && <Tsdb />}
      {tab === 'flags' && <Flags />}
      {tab === 'config' && <Config />}
    </main>
  );
}
