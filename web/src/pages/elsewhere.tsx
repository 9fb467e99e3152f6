// Alerts that others sent: those that no rule of this server is called after.
import type { JSX } from 'preact';
import type { RoutedAlert } from '../api/alertmanager.ts';
import type { ActiveAlert } from '../api/prometheus.ts';
import { AlertRows, textOf, type Context } from './rules.tsx';

export function elsewhere(routed: RoutedAlert[], rules: Set<string>, words: string[]): ActiveAlert[] {
  const foreign = routed.filter((r) => !rules.has(r.labels['alertname'] ?? ''));
  const found = words.length === 0 ? foreign : foreign.filter((r) => words.every((w) => textOf(r.labels).includes(w)));
  return found.map((r) => ({ labels: r.labels, annotations: r.annotations, state: 'firing', activeAt: r.startsAt, value: '' }));
}

export function Elsewhere({ alerts, context }: { alerts: ActiveAlert[]; context: Context }): JSX.Element {
  return (
    <section class="card" data-testid="elsewhere">
      <div class="card-head">
        <h2>Sent by others</h2>
        <span class="dim">{alerts.length === 1 ? '1 alert' : `${alerts.length} alerts`} that came over the API, from no rule of this server</span>
      </div>
      <div class="rule-detail">
        <AlertRows alerts={alerts} context={context} named />
      </div>
    </section>
  );
}
