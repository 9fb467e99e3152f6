// The targets page: what is scraped, whether it answers, and what it said when it did not.
import type { JSX } from 'preact';
import { get, type ActiveTarget, type Targets } from '../api/prometheus.ts';
import { useLoad } from '../core/load.ts';
import { params, setParams } from '../core/router.ts';
import { visible, zone } from '../core/settings.ts';
import { formatMoment, humanDuration } from '../core/time.ts';
import { Badge, ErrorBox, Icon, LabelSet, Segmented, type Tone } from '../core/widgets.tsx';
import { useNow } from '../core/now.ts';

const REFRESH_MS = 5000;
const MOST_ROWS = 200;
const HEALTH_TONE: Record<ActiveTarget['health'], Tone> = { up: 'ok', down: 'bad', unknown: 'muted' };
type Filter = 'all' | 'up' | 'down' | 'unknown';

function matches(t: ActiveTarget, words: string[]): boolean {
  if (words.length === 0) return true;
  const text = [t.scrapePool, t.scrapeUrl, t.lastError, ...Object.entries(t.labels).map(([k, v]) => `${k}="${v}"`)].join(' ').toLowerCase();
  return words.every((w) => text.includes(w));
}

function LastScrape({ target, now }: { target: ActiveTarget; now: number }): JSX.Element {
  const at = Date.parse(target.lastScrape);
  if (!(at > 0)) return <span class="dim">not yet</span>;
  return <span title={formatMoment(at, zone.value === 'utc')}>{humanDuration(Math.floor(Math.max(0, now - at) / 1e3) * 1e3)} ago</span>;
}

function Row({ target, now }: { target: ActiveTarget; now: number }): JSX.Element {
  return (
    <tr data-testid="target" data-health={target.health}>
      <td>
        <Badge tone={HEALTH_TONE[target.health]}>{target.health}</Badge>
      </td>
      <td class="target-cell">
        <a href={target.globalUrl || target.scrapeUrl} target="_blank" rel="noreferrer">
          {target.scrapeUrl}
        </a>
        <LabelSet labels={target.labels} skip={['job']} />
        <details class="discovered">
          <summary>discovered labels</summary>
          <LabelSet labels={target.discoveredLabels} />
        </details>
        {target.lastError && (
          <div class="target-error wrap" data-testid="target-error">
            <Icon name="warn" /> {target.lastError}
          </div>
        )}
      </td>
      <td class="num">
        <LastScrape target={target} now={now} />
      </td>
      <td class="num">{humanDuration(target.lastScrapeDuration * 1000)}</td>
      <td class="num dim" title={`timeout ${target.scrapeTimeout}`}>
        {target.scrapeInterval}
      </td>
    </tr>
  );
}

function Pool({ name, targets, now }: { name: string; targets: ActiveTarget[]; now: number }): JSX.Element {
  const up = targets.filter((t) => t.health === 'up').length;
  return (
    <section class="card" data-testid="pool" data-pool={name}>
      <h2 class="card-head">
        {name}
        <Badge tone={up === targets.length ? 'ok' : up === 0 ? 'bad' : 'warn'}>
          {up} of {targets.length} up
        </Badge>
      </h2>
      <div class="scroll-x">
        <table class="data targets">
          <thead>
            <tr>
              <th scope="col" class="w-badge">
                Health
              </th>
              <th scope="col">Target</th>
              <th scope="col" class="num w-num">
                Last scrape
              </th>
              <th scope="col" class="num w-num">
                Duration
              </th>
              <th scope="col" class="num w-num">
                Every
              </th>
            </tr>
          </thead>
          <tbody>
            {targets.slice(0, MOST_ROWS).map((t) => (
              <Row key={t.scrapeUrl + JSON.stringify(t.labels)} target={t} now={now} />
            ))}
          </tbody>
        </table>
        {targets.length > MOST_ROWS && <p class="more dim">and {targets.length - MOST_ROWS} more: filter to see them</p>}
      </div>
    </section>
  );
}

export function TargetsPage(): JSX.Element {
  const loaded = useLoad((signal) => get<Targets>('targets', {}, signal), [], REFRESH_MS);
  const now = useNow(1000, visible.value);
  const text = params.value.get('search') ?? '';
  const health = (params.value.get('health') ?? 'all') as Filter;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = loaded.data?.data.activeTargets ?? [];
  const counts = { up: 0, down: 0, unknown: 0 };
  for (const t of all) counts[t.health]++;
  const shown = all.filter((t) => (health === 'all' || t.health === health) && matches(t, words));
  const pools = new Map<string, ActiveTarget[]>();
  for (const t of [...shown].sort((a, b) => a.scrapePool.localeCompare(b.scrapePool) || a.scrapeUrl.localeCompare(b.scrapeUrl))) {
    pools.set(t.scrapePool, [...(pools.get(t.scrapePool) ?? []), t]);
  }
  const dropped = Object.values(loaded.data?.data.droppedTargetCounts ?? {}).reduce((a, b) => a + b, 0);
  return (
    <main class="page" data-testid="page-targets">
      <div class="page-head">
        <h1>Targets</h1>
        <span class="grow" />
        <Segmented<Filter>
          label="health"
          value={health}
          options={[['all', `All ${all.length}`], ['up', `Up ${counts.up}`], ['down', `Down ${counts.down}`], ...(counts.unknown ? [['unknown', `Unknown ${counts.unknown}`] as const] : [])]}
          onChange={(h) => setParams({ health: h === 'all' ? null : h }, true)}
        />
        <input class="input search" type="search" aria-label="filter targets" placeholder="Filter by address, label, error" value={text} data-testid="filter" onInput={(e) => setParams({ search: e.currentTarget.value || null }, true)} />
      </div>
      {loaded.error && <ErrorBox error={loaded.error} />}
      {[...pools].map(([name, targets]) => (
        <Pool key={name} name={name} targets={targets} now={now} />
      ))}
      {loaded.data && shown.length === 0 && (
        <p class="empty">
          {all.length === 0 ? 'Nothing is scraped. Add a job under scrape_configs in prometheus.yml and reload.' : 'No target matches the filter.'}
        </p>
      )}
      {dropped > 0 && <p class="dim">{dropped} discovered targets were dropped by relabeling.</p>}
    </main>
  );
}
