// State timelines and status histories: one lane per series, coloured by what the value says.
import type { JSX } from 'preact';
import { dark, zone } from '../../core/settings.ts';
import { formatMoment } from '../../core/time.ts';
import type { CellValue } from '../frames.ts';
import { configOf, display, nameUnder, spanOf } from '../resolve.ts';
import type { Drawn } from './frame-props.ts';

const MOST_LANES = 100;

interface Stretch {
  from: number;
  to: number;
  value: CellValue;
}

/** Neighbouring equal values as one stretch; a hole ends it. */
function stretches(times: readonly number[], values: readonly CellValue[], stepMs: number): Stretch[] {
  const out: Stretch[] = [];
  times.forEach((t, i) => {
    const v = values[i];
    if (v === null || v === undefined) return;
    const last = out.at(-1);
    if (last && last.value === v && t - last.to <= stepMs * 1.5) last.to = t;
    else {
      if (last && t - last.to <= stepMs * 1.5) last.to = t;
      out.push({ from: t, to: t, value: v });
    }
  });
  for (const s of out) if (s.to === s.from) s.to += stepMs;
  return out;
}

export function StateTimelinePanel({ panel, frames, scope, data }: Drawn): JSX.Element {
  const isDark = dark.value;
  const utc = zone.value === 'utc';
  const { fromMs, toMs } = data.span;
  const part = (ms: number): number => (Math.min(Math.max(ms, fromMs), toMs) - fromMs) / (toMs - fromMs);
  const lanes = frames
    .flatMap((frame) => frame.fields.filter((f) => f.type !== 'time').map((field) => ({ frame, field })))
    .filter(({ frame }) => frame.fields.some((f) => f.type === 'time'))
    .slice(0, MOST_LANES);
  return (
    <div class="lanes scroll" data-testid="state-timeline">
      {lanes.map(({ frame, field }, k) => {
        const config = configOf(panel, field, scope);
        const times = frame.fields.find((f) => f.type === 'time')!.values.map(Number);
        const context = { dark: isDark, index: k, ...spanOf(config, field.values) };
        const name = nameUnder(field, config, scope);
        return (
          <div class="lane" key={k}>
            <span class="lane-name" title={name}>
              {name}
            </span>
            <span class="lane-track">
              {stretches(times, field.values, frame.stepMs || 60_000).map((s, i) => {
                const d = display(config, s.value, context);
                const text = d.prefix + d.text + d.suffix;
                return (
                  <span
                    key={i}
                    class="stretch"
                    style={{ left: `${part(s.from) * 100}%`, width: `${Math.max((part(s.to) - part(s.from)) * 100, 0.2)}%`, background: d.color }}
                    title={`${text}\n${formatMoment(s.from, utc)} to ${formatMoment(s.to, utc)}`}
                  >
                    {text}
                  </span>
                );
              })}
            </span>
          </div>
        );
      })}
    </div>
  );
}
