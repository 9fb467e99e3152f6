// Range, end time, resolution and drawing options of a graph.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { zone } from '../core/settings.ts';
import { formatDuration, formatMoment, parseDuration, parseMoment } from '../core/time.ts';
import { Icon } from '../core/widgets.tsx';
import type { Panel } from './url.ts';

const RANGES = ['1m', '5m', '15m', '30m', '1h', '2h', '6h', '12h', '1d', '2d', '1w', '2w', '4w', '8w', '1y'].map((t) => parseDuration(t)!);

/** A text field that reports on Enter or when left, and turns red when it cannot be read. */
export function Parsed<T>(props: { value: string; label: string; hint: string; parse: (text: string) => T | null; onValue: (v: T) => void; class?: string; testid?: string; list?: string }): JSX.Element {
  const [text, setText] = useState(props.value);
  useEffect(() => setText(props.value), [props.value]);
  const parsed = props.parse(text);
  const commit = (): void => {
    if (text !== props.value && parsed !== null) props.onValue(parsed);
  };
  return (
    <input
      class={`input ${props.class ?? ''}`}
      value={text}
      list={props.list}
      aria-label={props.label}
      title={props.label}
      placeholder={props.hint}
      aria-invalid={parsed === null}
      data-testid={props.testid}
      onInput={(e) => setText(e.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(e) => e.key === 'Enter' && commit()}
    />
  );
}

interface Props {
  panel: Panel;
  onChange: (changes: Partial<Panel>) => void;
}

export function EndTime({ panel, onChange }: Props): JSX.Element {
  const utc = zone.value === 'utc';
  const shift = (by: number): void => onChange({ endMs: Math.round((panel.endMs ?? Date.now()) + by * (panel.tab === 'graph' ? panel.rangeMs / 2 : 36e5)) });
  return (
    <div class="joined" role="group" aria-label={panel.tab === 'graph' ? 'end of the range' : 'evaluation time'}>
      <button type="button" class="button" aria-label="earlier" onClick={() => shift(-1)}>
        <Icon name="chevron" class="back" />
      </button>
      <Parsed
        value={panel.endMs === null ? '' : formatMoment(panel.endMs, utc)}
        label={panel.tab === 'graph' ? 'End time' : 'Evaluation time'}
        hint={panel.tab === 'graph' ? 'End: now' : 'At: now'}
        class="moment"
        testid="end-input"
        parse={(t): number | 'now' | null => (t.trim() === '' || t.trim() === 'now' ? 'now' : parseMoment(t, utc))}
        onValue={(v) => onChange({ endMs: v === 'now' ? null : v })}
      />
      {panel.endMs !== null && (
        <button type="button" class="button" aria-label="back to now" title="back to now" onClick={() => onChange({ endMs: null })}>
          <Icon name="close" />
        </button>
      )}
      <button type="button" class="button" aria-label="later" onClick={() => shift(1)}>
        <Icon name="chevron" />
      </button>
    </div>
  );
}

export function GraphControls({ panel, onChange }: Props): JSX.Element {
  const step = (by: 1 | -1): void => {
    const next = by > 0 ? RANGES.find((r) => r > panel.rangeMs) : [...RANGES].reverse().find((r) => r < panel.rangeMs);
    if (next) onChange({ rangeMs: next });
  };
  return (
    <>
      <div class="joined" role="group" aria-label="time range">
        <button type="button" class="button" aria-label="shorter range" onClick={() => step(-1)}>
          -
        </button>
        <Parsed value={formatDuration(panel.rangeMs)} label="Range" hint="1h" class="short" testid="range-input" parse={(t) => parseDuration(t) || null} onValue={(rangeMs) => onChange({ rangeMs })} />
        <button type="button" class="button" aria-label="longer range" onClick={() => step(1)}>
          +
        </button>
      </div>
      <EndTime panel={panel} onChange={onChange} />
      <Parsed
        value={panel.stepMs === null ? '' : formatDuration(panel.stepMs)}
        label="Resolution: time between points"
        hint="Res: auto"
        class="short"
        testid="step-input"
        parse={(t): number | 'auto' | null => (t.trim() === '' || t.trim() === 'auto' ? 'auto' : parseDuration(t) || null)}
        onValue={(v) => onChange({ stepMs: v === 'auto' ? null : v })}
      />
      <label class="check">
        <input type="checkbox" checked={panel.stacked} data-testid="stacked" onChange={(e) => onChange({ stacked: e.currentTarget.checked })} /> Stacked
      </label>
      <label class="check">
        <input type="checkbox" checked={panel.fromZero} onChange={(e) => onChange({ fromZero: e.currentTarget.checked })} /> From 0
      </label>
    </>
  );
}
