// Stat panels: big numbers, with a sparkline where there is a history.
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { inkOn } from '../../core/color.ts';
import { dark } from '../../core/settings.ts';
import { useSize } from '../../chart/timechart.tsx';
import type { Drawn } from './frame-props.ts';
import { singles, type Single } from './values.ts';

function Sparkline({ trail, color }: { trail: NonNullable<Single['trail']>; color: string }): JSX.Element | null {
  const numbers = trail.values.filter((v): v is number => v !== null);
  if (numbers.length < 2) return null;
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const [first, last] = [trail.times[0]!, trail.times.at(-1)!];
  const x = (t: number): number => ((t - first) / Math.max(last - first, 1)) * 100;
  const y = (v: number): number => (high === low ? 60 : 96 - ((v - low) / (high - low)) * 88);
  let path = '';
  let pen = false;
  trail.values.forEach((v, i) => {
    if (v === null) {
      pen = false;
      return;
    }
    path += `${pen ? 'L' : 'M'}${x(trail.times[i]!).toFixed(2)} ${y(v).toFixed(2)}`;
    pen = true;
  });
  const broken = path.indexOf('M', 1) > 0;
  return (
    <svg class="sparkline" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {!broken && <path d={`${path}L100 100L0 100Z`} fill={color} opacity="0.16" />}
      <path d={path} fill="none" stroke={color} stroke-width="1.6" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** How tiles are laid out in a box: the arrangement whose tiles are closest to three to two. */
export function arrange(n: number, width: number, height: number, orientation: 'auto' | 'horizontal' | 'vertical'): { columns: number; rows: number } {
  if (orientation === 'horizontal') return { columns: 1, rows: n };
  if (orientation === 'vertical') return { columns: n, rows: 1 };
  let best = { columns: n, rows: 1 };
  let badness = Infinity;
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const ratio = width / columns / Math.max(height / rows, 1);
    const off = Math.abs(Math.log(Math.max(ratio, 0.01) / 2.2)) + (columns * rows - n) * 0.12;
    if (off < badness) [badness, best] = [off, { columns, rows }];
  }
  return best;
}

export function StatPanel(props: Drawn): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const isDark = dark.value;
  const { options } = props.panel;
  const list = singles(props, isDark);
  const { columns, rows } = arrange(Math.max(list.length, 1), size.width, size.height, options.orientation);
  const w = size.width / columns;
  const h = size.height / rows;
  const namesShown = options.text === 'value_and_name' || options.text === 'name' || (options.text === 'auto' && list.length > 1);
  return (
    <div class="stats" ref={box} style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }} data-testid="stat">
      {size.width > 0 && list.map((s, i) => <Tile key={i} s={s} w={w} h={h} props={props} named={namesShown} />)}
    </div>
  );
}

function Tile({ s, w, h, props, named }: { s: Single; w: number; h: number; props: Drawn; named: boolean }): JSX.Element {
  const { options } = props.panel;
  const filled = options.colorBy === 'background';
  const ink = filled ? inkOn(s.shown.color) : options.colorBy === 'value' ? s.shown.color : undefined;
  const textLength = Math.max((options.prefix + s.shown.prefix + s.shown.text + s.shown.suffix + options.postfix).length, 2);
  const space = named ? h * 0.62 : h;
  const font = Math.max(13, Math.min(space * (options.graph ? 0.4 : 0.5), (w * 0.92) / (textLength * 0.56), 72));
  return (
    <div class={`stat-tile ${filled ? 'filled' : ''}`} style={{ ...(options.graph && s.trail ? { paddingBottom: `${Math.round(h * 0.26)}px` } : {}), ...(filled ? { background: s.shown.color } : {}), ...(ink ? { color: ink } : {}) }}>
      {options.graph && s.trail && <Sparkline trail={s.trail} color={filled ? inkOn(s.shown.color) : s.shown.color} />}
      {named && (
        <div class="stat-name" title={s.name}>
          {s.name}
        </div>
      )}
      {options.text !== 'name' && options.text !== 'none' && (
        <div class="stat-value" style={{ fontSize: `${font}px` }} data-testid="stat-value" data-value={typeof s.value === 'number' ? s.value : ''}>
          {options.prefix && <span class="unit">{options.prefix} </span>}
          {s.shown.prefix}
          {s.shown.text}
          {s.shown.suffix && <span class="unit">{s.shown.suffix}</span>}
          {options.postfix && <span class="unit"> {options.postfix}</span>}
        </div>
      )}
    </div>
  );
}
