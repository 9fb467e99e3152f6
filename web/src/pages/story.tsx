// "Why did I (not) hear of this?": where an alert stands with each receiver, and what was decided about it.
import type { JSX } from 'preact';
import { explainAlert, momentMs, type IntegrationStanding, type RouteStanding, type Story } from '../api/promlet.ts';
import type { Labels } from '../api/prometheus.ts';
import { useLoad } from '../core/load.ts';
import { zone } from '../core/settings.ts';
import { formatMoment } from '../core/time.ts';
import { Badge, ErrorBox, LabelSet, type Tone } from '../core/widgets.tsx';

const REFRESH_MS = 4000;
const MOST_LINES = 12;
const STANDING: Record<IntegrationStanding['standing'], Tone> = { told: 'ok', waiting: 'muted', sending: 'muted', failing: 'bad', held: 'warn', unwanted: 'muted' };

/** Times in sentences of the server, as this page shows times. */
const spoken = (text: string): string => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => formatMoment(Date.parse(at), zone.value === 'utc'));

function Route({ route }: { route: RouteStanding }): JSX.Element {
  return (
    <div class="story-route" data-testid="story-route">
      <div>
        <strong>{route.receiver || 'nobody'}</strong> <span class="dim">by route</span> <code>{route.route}</code> <LabelSet labels={route.group_labels} />
      </div>
      {route.held_by && route.integrations.every((one) => one.standing !== 'held') && (
        <div>
          <Badge tone="warn">held</Badge> {spoken(route.held_by.text)}
        </div>
      )}
      {route.integrations.map((one) => (
        <div key={one.integration}>
          <Badge tone={STANDING[one.standing]}>{one.standing}</Badge> <span class="dim">{one.integration}</span> {spoken(one.text)}
        </div>
      ))}
    </div>
  );
}

function Trail({ story }: { story: Story }): JSX.Element | null {
  if (story.trail.length === 0) return null;
  return (
    <table class="data story-trail">
      <tbody>
        {story.trail.slice(0, MOST_LINES).map((line, i) => (
          <tr key={i}>
            <td class="nowrap dim">{formatMoment(momentMs(line.at), zone.value === 'utc')}</td>
            <td class="nowrap">{line.decision.replaceAll('_', ' ')}</td>
            <td class="nowrap">{line.receiver}</td>
            <td class="wrap dim">{spoken(line.detail)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function AlertStory({ labels }: { labels: Labels }): JSX.Element {
  const loaded = useLoad((signal) => explainAlert(labels, signal), [JSON.stringify(labels)], REFRESH_MS);
  const found = loaded.data?.data;
  return (
    <div class="story" data-testid="story">
      {loaded.error && <ErrorBox error={loaded.error} />}
      {found?.rules.map((rule) => <div key={rule.name}>{spoken(rule.text)}</div>)}
      {found && found.alerts.length === 0 && <div>Nobody was told: it has not fired yet.</div>}
      {found?.alerts.map((story) => (
        <div key={story.fingerprint}>
          {story.routes.map((route, i) => (
            <Route key={i} route={route} />
          ))}
          <Trail story={story} />
        </div>
      ))}
    </div>
  );
}
