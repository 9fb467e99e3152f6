// Gauges (arcs) and bar gauges.
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { namedColor } from '../../core/color.ts';
import { dark } from '../../core/settings.ts';
import { useSize } from '../../chart/timechart.tsx';
import { absoluteThresholds } from '../resolve.ts';
import type { Drawn } from './frame-props.ts';
import { arrange } from './stat.tsx';
import { singles, type Single } from './values.ts';

const START = (-210 * Math.PI) / 180;
const SWEEP = (240 * Math.PI) / 180;
/** A gauge smaller than this cannot be read: more of them scroll. */
const LEAST_WIDTH_PX = 116;

/** Arc of a ring from share `a` to share `b` of the sweep, as an SVG path. */
function arc(radius: number, a: number, b: number): string {
  const point = (t: number): string => `${(100 + radius * Math.cos(START + SWEEP * t)).toFixed(2)} ${(100 + radius * Math.sin(START + SWEEP * t)).toFixed(2)}`;
  return `M${point(a)}A${radius} ${radius} 0 ${(b - a) * SWEEP > Math.PI ? 1 : 0} 1 ${point(b)}`;
}

const share = (s: Single, v: number): number => Math.min(Math.max((v - s.min) / (s.max - s.min || 1), 0), 1);

/** Gauges measure against 0 to 100 where the panel gives no limits and the data fit. */
function limits(s: Single): Single {
  const isShare = s.config.unit === 'percentunit';
  const value = typeof s.value === 'number' && Number.isFinite(s.value) ? s.value : 0;
  const top = isShare ? 1 : 100;
  return { ...s, min: s.config.min ?? Math.min(0, value), max: s.config.max ?? Math.max(top, value) };
}

function Gauge({ s, isDark, named, markers }: { s: Single; isDark: boolean; named: boolean; markers: boolean }): JSX.Element {
  const steps = absoluteThresholds(s.config, s.min, s.max);
  const value = typeof s.value === 'number' && Number.isFinite(s.value) ? s.value : null;
  const label = s.shown.prefix + s.shown.text + s.shown.suffix;
  return (
    <figure class="gauge" aria-label={`${s.name}: ${label}`}>
      <svg viewBox="4 7 192 152" preserveAspectRatio="xMidYMid meet" aria-hidden="true">
        <path class="gauge-track" d={arc(74, 0, 1)} />
        {value !== null && share(s, value) > 0.002 && <path class="gauge-value" d={arc(74, 0, share(s, value))} stroke={s.shown.color} />}
        {markers &&
          (s.config.colorMode ?? 'thresholds') === 'thresholds' &&
          steps.map((t, i) => {
            const [a, b] = [share(s, t.value), share(s, steps[i + 1]?.value ?? s.max)];
            return b > a && <path key={i} class="gauge-mark" d={arc(89, a, b)} stroke={namedColor(t.color, isDark)} />;
          })}
        <text x="100" y="112" class="gauge-text" fill={s.shown.color} font-size={Math.min(34, 178 / Math.max(label.length, 4))} data-testid="stat-value" data-value={value ?? ''}>
          {label}
        </text>
      </svg>
      {named && <figcaption title={s.name}>{s.name}</figcaption>}
    </figure>
  );
}

export function GaugePanel(props: Drawn): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const isDark = dark.value;
  const list = singles(props, isDark).map(limits);
  const arranged = arrange(Math.max(list.length, 1), size.width, size.height * 1.6, 'auto');
  const columns = Math.max(Math.min(arranged.columns, Math.floor(size.width / LEAST_WIDTH_PX)), 1);
  return (
    <div class="gauges" ref={box} style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }} data-testid="gauge">
      {list.map((s, i) => (
        <Gauge key={i} s={s} isDark={isDark} named={list.length > 1} markers={props.panel.options.showThresholdMarkers} />
      ))}
    </div>
  );
}

export function BarGaugePanel(props: Drawn): JSX.Element {
  const isDark = dark.value;
  const list = singles(props, isDark);
  const vertical = props.panel.options.orientation === 'vertical';
  return (
    <div class={`bar-gauges ${vertical ? 'vertical' : ''} ${props.panel.options.fillStyle}`} data-testid="bargauge">
      {list.map((s, i) => {
        const value = typeof s.value === 'number' && Number.isFinite(s.value) ? s.value : s.min;
        const part = `${(share(s, value) * 100).toFixed(2)}%`;
        return (
          <div class="bar-gauge" key={i}>
            {(list.length > 1 || props.panel.options.text === 'value_and_name') && (
              <span class="bar-name" title={s.name}>
                {s.name}
              </span>
            )}
            <span class="bar-track">
              <span class="bar-fill" style={{ background: s.shown.color, ...(vertical ? { height: part } : { width: part }) }} />
            </span>
            <span class="bar-value" style={{ color: s.shown.color }} data-testid="stat-value" data-value={typeof s.value === 'number' ? s.value : ''}>
              {s.shown.prefix}
              {s.shown.text}
              {s.shown.suffix}
            </span>
          </div>
        );
      })}
    </div>
  );
}
