// The number of firing alerts, beside the navigation's bell.
import type { JSX } from 'preact';
import { get, type ActiveAlert } from '../api/prometheus.ts';
import { useLoad } from '../core/load.ts';

const REFRESH_MS = 10_000;

export function FiringCount(): JSX.Element | null {
  const loaded = useLoad((signal) => get<{ alerts: ActiveAlert[] }>('alerts', {}, signal), [], REFRESH_MS);
  const firing = (loaded.data?.data.alerts ?? []).filter((a) => a.state === 'firing').length;
  return firing > 0 ? (
    <span class="count" aria-label={`${firing} firing`} data-testid="firing-count">
      {firing}
    </span>
  ) : null;
}
