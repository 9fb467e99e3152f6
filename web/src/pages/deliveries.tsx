// What was delivered to whom.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { momentMs, type Delivery } from '../api/promlet.ts';
import { zone } from '../core/settings.ts';
import { formatMoment, humanDuration } from '../core/time.ts';
import { Badge, LabelSet, type Tone } from '../core/widgets.tsx';

const OUTCOME: Record<Delivery['outcome'], Tone> = { delivered: 'ok', retrying: 'warn', failed: 'bad' };
const FIRST_ROWS = 25;

function names(alerts: Delivery['alerts']): string {
  const all = [...new Set(alerts.map((a) => a['alertname'] ?? 'unnamed'))];
  return all.length > 3 ? `${all.slice(0, 3).join(', ')} and ${all.length - 3} more` : all.join(', ');
}

function Row({ d, now }: { d: Delivery; now: number }): JSX.Element {
  return (
    <tr data-testid="delivery" data-outcome={d.outcome} data-status={d.status}>
      <td class="nowrap dim" title={formatMoment(momentMs(d.at), zone.value === 'utc')}>
        {humanDuration(Math.max(0, now - momentMs(d.at)))} ago
      </td>
      <td>
        <Badge tone={OUTCOME[d.outcome]}>{d.outcome}</Badge>
        {d.attempts > 1 && <div class="dim">{d.attempts} attempts</div>}
      </td>
      <td>
        <strong>{d.receiver}</strong> <span class="dim">{d.integration}</span>
      </td>
      <td class="delivery-what">
        <span class={`told ${d.status}`}>{d.status}</span> {names(d.alerts)}
        {d.alerts.length > 1 && <span class="dim"> ({d.alerts.length} alerts)</span>}
        <div>
          <LabelSet labels={d.group_labels} skip={['alertname']} />
        </div>
        {d.detail && <div class={d.outcome === 'delivered' ? 'dim wrap' : 'bad-text wrap'}>{d.detail}</div>}
      </td>
      <td class="mono dim id" title={`delivery ${d.id}`}>
        {d.id.slice(0, 8)}
      </td>
    </tr>
  );
}

export function Deliveries({ list, now }: { list: Delivery[]; now: number }): JSX.Element {
  const [all, setAll] = useState(false);
  if (list.length === 0) return <p class="empty dim">Nothing was sent yet.</p>;
  return (
    <div class="scroll-x">
      <table class="data">
        <thead>
          <tr>
            {['When', 'Outcome', 'Receiver', 'What', 'Id'].map((h) => (
              <th scope="col" key={h}>
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {list.slice(0, all ? undefined : FIRST_ROWS).map((d) => (
            <Row key={`${d.id}/${d.integration}/${d.at}/${d.attempts}`} d={d} now={now} />
          ))}
        </tbody>
      </table>
      {!all && list.length > FIRST_ROWS && (
        <div class="more">
          <button type="button" class="button" onClick={() => setAll(true)}>
            Show all {list.length}
          </button>
        </div>
      )}
    </div>
  );
}
