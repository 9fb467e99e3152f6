// Time range and refresh of a dashboard.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { zone } from '../core/settings.ts';
import { formatMoment, resolveTime } from '../core/time.ts';
import { Icon, IconButton, Popover } from '../core/widgets.tsx';

const QUICK: readonly (readonly [string, string])[] = [
  ['5m', 'Last 5 minutes'],
  ['15m', 'Last 15 minutes'],
  ['30m', 'Last 30 minutes'],
  ['1h', 'Last hour'],
  ['3h', 'Last 3 hours'],
  ['6h', 'Last 6 hours'],
  ['12h', 'Last 12 hours'],
  ['24h', 'Last 24 hours'],
  ['2d', 'Last 2 days'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
];
export const REFRESH = ['', '5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h'];

/** What the range is called: "Last 6 hours", or its two ends. */
export function rangeName(from: string, to: string, utc: boolean): string {
  const quick = to === 'now' ? QUICK.find(([d]) => from === `now-${d}` || (d === '24h' && from === 'now-1d')) : undefined;
  if (quick) return quick[1];
  if (to === 'now' && from.startsWith('now-')) return `Last ${from.slice(4)}`;
  const side = (t: string): string => (/^\d+$/.test(t) ? formatMoment(Number(t), utc).slice(0, 16) : t);
  return `${side(from)} to ${side(to)}`;
}

interface Props {
  from: string;
  to: string;
  refresh: string;
  onRange: (from: string, to: string) => void;
  onRefresh: (refresh: string) => void;
  onNow: () => void;
  onShift: (by: -1 | 1) => void;
  onZoomOut: () => void;
}

function Absolute({ from, to, onRange, close }: { from: string; to: string; onRange: Props['onRange']; close: () => void }): JSX.Element {
  const utc = zone.value === 'utc';
  const readable = (t: string): string => (/^\d+$/.test(t) ? formatMoment(Number(t), utc) : t);
  const [a, setA] = useState(readable(from));
  const [b, setB] = useState(readable(to));
  const resolved = [resolveTime(a, Date.now(), false, utc), resolveTime(b, Date.now(), true, utc)];
  const good = resolved[0] !== null && resolved[1] !== null && resolved[0]! < resolved[1]!;
  const apply = (e: Event): void => {
    e.preventDefault();
    if (!good) return;
    const keep = (text: string, ms: number): string => (text.trim().startsWith('now') ? text.trim() : String(ms));
    onRange(keep(a, resolved[0]!), keep(b, resolved[1]!));
    close();
  };
  return (
    <form class="absolute" onSubmit={apply}>
      <label>
        From
        <input class="input" value={a} aria-invalid={resolved[0] === null} data-testid="time-from" onInput={(e) => setA(e.currentTarget.value)} />
      </label>
      <label>
        To
        <input class="input" value={b} aria-invalid={resolved[1] === null} data-testid="time-to" onInput={(e) => setB(e.currentTarget.value)} />
      </label>
      <p class="dim small">now-6h, now/d, or 2026-11-20 14:00</p>
      <button type="submit" class="button primary" disabled={!good} data-testid="time-apply">
        Apply
      </button>
    </form>
  );
}

export function TimePicker(props: Props): JSX.Element {
  const utc = zone.value === 'utc';
  return (
    <div class="time-picker">
      <div class="joined">
        <button type="button" class="button" aria-label="earlier" title="Earlier" onClick={() => props.onShift(-1)}>
          <Icon name="chevron" class="back" />
        </button>
        <Popover
          label="time range"
          testid="time-picker"
          button={
            <>
              <Icon name="clock" /> <span>{rangeName(props.from, props.to, utc)}</span>
            </>
          }
        >
          {(close) => (
            <div class="time-choices">
              <Absolute from={props.from} to={props.to} onRange={props.onRange} close={close} />
              <ul>
                {QUICK.map(([d, name]) => (
                  <li key={d}>
                    <button
                      type="button"
                      aria-pressed={props.from === `now-${d}` && props.to === 'now'}
                      data-testid={`quick-${d}`}
                      onClick={() => {
                        props.onRange(`now-${d}`, 'now');
                        close();
                      }}
                    >
                      {name}
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          )}
        </Popover>
        <button type="button" class="button" aria-label="later" title="Later" onClick={() => props.onShift(1)}>
          <Icon name="chevron" />
        </button>
        <button type="button" class="button" aria-label="zoom out" title="Zoom out" onClick={props.onZoomOut}>
          <Icon name="zoomout" />
        </button>
      </div>
      <div class="joined">
        <IconButton icon="refresh" label="Refresh now" class="button" onClick={props.onNow} testid="refresh" />
        <select class="input" aria-label="refresh interval" title="Refresh interval" value={props.refresh} data-testid="refresh-interval" onChange={(e) => props.onRefresh(e.currentTarget.value)}>
          {[...new Set([...REFRESH, props.refresh])].map((r) => (
            <option key={r} value={r}>
              {r === '' ? 'Off' : r}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
