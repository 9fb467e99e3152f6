// All dashboards that the server found.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { dashboards } from '../api/promlet.ts';
import { useLoad } from '../core/load.ts';
import { useNow } from '../core/now.ts';
import { href } from '../core/prefix.ts';
import { params, setParams } from '../core/router.ts';
import { visible } from '../core/settings.ts';
import { ErrorBox, Icon } from '../core/widgets.tsx';
import { DemoScript } from '../pages/demo.tsx';

export function DashboardList(): JSX.Element {
  const loaded = useLoad(async (signal) => (await dashboards(signal)).data, [], 15_000);
  const now = useNow(1000, visible.value);
  useEffect(() => {
    document.title = 'Dashboards - promlet';
  }, []);
  const text = params.value.get('search') ?? '';
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = loaded.data ?? [];
  const shown = all.filter((d) => words.every((w) => `${d.title} ${d.name} ${d.tags.join(' ')}`.toLowerCase().includes(w)));
  return (
    <main class="page" data-testid="page-dashboards">
      <div class="page-head">
        <h1>Dashboards</h1>
        <span class="grow" />
        <input class="input search" type="search" aria-label="filter dashboards" placeholder="Filter by title or tag" value={text} onInput={(e) => setParams({ search: e.currentTarget.value || null }, true)} />
      </div>
      <DemoScript now={now} />
      {loaded.error && <ErrorBox error={loaded.error} />}
      <ul class="dashboards">
        {shown.map((d) => (
          <li key={d.name} data-testid="dashboard-entry" data-name={d.name}>
            <a class="card dash-card" href={href(`/dashboards/${encodeURIComponent(d.name)}`)}>
              <strong>{d.title || d.name}</strong>
              {d.error ? (
                <span class="bad-text wrap small">
                  <Icon name="warn" /> {d.error}
                </span>
              ) : (
                <span class="dim small">{d.file}</span>
              )}
              <span class="tags">
                {d.tags.map((t) => (
                  <span class="tag" key={t}>
                    {t}
                  </span>
                ))}
              </span>
            </a>
          </li>
        ))}
      </ul>
      {loaded.data && shown.length === 0 && (
        <p class="empty">{all.length === 0 ? 'There are no dashboards. Put Grafana dashboard files (JSON) into dashboards/ beside the configuration: they appear here as they are.' : 'No dashboard matches.'}</p>
      )}
    </main>
  );
}
