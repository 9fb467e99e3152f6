// The web pages of promlet: navigation and the page for each path.
import { render, type JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { loadOverview, overview } from './api/promlet.ts';
import { href } from './core/prefix.ts';
import { followLinks, go, params, path } from './core/router.ts';
import { theme, zone } from './core/settings.ts';
import { Icon, IconButton, type IconName } from './core/widgets.tsx';
import { DashboardList } from './dash/list.tsx';
import { DashboardPage } from './dash/view.tsx';
import { AlertsPage } from './pages/alerts.tsx';
import { FiringCount } from './pages/firing.tsx';
import { fromAlertmanager } from './pages/hash.ts';
import { StatusPage } from './pages/status.tsx';
import { TargetsPage } from './pages/targets.tsx';
import { QueryPage } from './query/page.tsx';

const NAVIGATION: readonly (readonly [string, string, IconName])[] = [
  ['/query', 'Query', 'search'],
  ['/dashboards', 'Dashboards', 'grid'],
  ['/alerts', 'Alerts', 'bell'],
  ['/targets', 'Targets', 'target'],
  ['/status', 'Status', 'gear'],
];

/** The pages, and the paths under which Prometheus shows the same things. */
function pageFor(at: string): { page: JSX.Element; title: string | null; tab: string } | null {
  const dashboard = /^\/dashboards\/([^/]+)\/?$/.exec(at);
  if (dashboard) {
    const name = decodeURIComponent(dashboard[1]!);
    return { page: <DashboardPage name={name} />, title: null, tab: '/dashboards' };
  }
  switch (at.replace(/\/$/, '')) {
    case '/query':
    case '/graph':
      return { page: <QueryPage />, title: null, tab: '/query' };
    case '/dashboards':
      return { page: <DashboardList />, title: null, tab: '/dashboards' };
    case '/alerts':
    case '/rules':
      return { page: <AlertsPage />, title: 'Alerts', tab: '/alerts' };
    case '/targets':
    case '/service-discovery':
      return { page: <TargetsPage />, title: 'Targets', tab: '/targets' };
    case '/status':
      return { page: <StatusPage />, title: 'Status', tab: '/status' };
    case '/tsdb-status':
      return { page: <StatusPage tab="tsdb" />, title: 'Storage', tab: '/status' };
    case '/flags':
      return { page: <StatusPage tab="flags" />, title: 'Flags', tab: '/status' };
    case '/config':
      return { page: <StatusPage tab="config" />, title: 'Configuration', tab: '/status' };
    default:
      return null;
  }
}

const THEMES = { auto: ['auto', 'light', 'Theme: as the system'], light: ['sun', 'dark', 'Theme: light'], dark: ['moon', 'auto', 'Theme: dark'] } as const;

function Navigation({ current }: { current: string }): JSX.Element {
  const [icon, next, label] = THEMES[theme.value];
  return (
    <header class="top">
      <a class="brand" href={href('/')} aria-label="promlet, home">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M6 21.5 12 14l5 4.500L26 8" />
        </svg>
        <span>promlet</span>
      </a>
      <nav aria-label="pages">
        {NAVIGATION.map(([to, name, pageIcon]) => (
          <a key={to} href={href(to)} aria-current={current === to ? 'page' : undefined} data-testid={`nav${to.replace('/', '-')}`}>
            <Icon name={pageIcon} />
            <span>{name}</span>
            {to === '/alerts' && <FiringCount />}
          </a>
        ))}
        {overview.value?.demo_url && (
          <a href={overview.value.demo_url} target="_blank" rel="noreferrer" data-testid="nav-demo">
            <Icon name="mail" />
            <span>Demo inbox</span>
          </a>
        )}
      </nav>
      <span class="grow" />
      <button type="button" class="zone" title="Times are shown in this zone; press to change" data-testid="zone" onClick={() => (zone.value = zone.value === 'utc' ? 'local' : 'utc')}>
        {zone.value === 'utc' ? 'UTC' : 'Local time'}
      </button>
      <IconButton icon={icon} label={label} testid="theme" onClick={() => (theme.value = next)} />
    </header>
  );
}

function NotFound(): JSX.Element {
  return (
    <main class="page">
      <p class="empty">
        There is no page {path.value}. <a href={href('/query')}>Query</a> and <a href={href('/dashboards')}>Dashboards</a> are good places to go on.
      </p>
    </main>
  );
}

function App(): JSX.Element {
  const at = path.value;
  useEffect(() => {
    const theirs = fromAlertmanager(location.hash);
    if (theirs) go(theirs.path, theirs.params, true);
    else if (at === '/') go(params.value.has('g0.expr') ? '/query' : '/dashboards', params.value, true);
  }, [at]);
  const found = pageFor(at);
  useEffect(() => {
    if (found?.title) document.title = `${found.title} - promlet`;
  }, [at]);
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Navigation current={found?.tab ?? ''} />
      <div id="content" key={at}>
        {at !== '/' && (found?.page ?? <NotFound />)}
      </div>
    </>
  );
}

followLinks((to) => to === '/' || pageFor(to) !== null);
void loadOverview();
render(<App />, document.getElementById('app')!);
