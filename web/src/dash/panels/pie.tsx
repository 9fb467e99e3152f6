// Pie charts and simple bar charts of single values.
import type { JSX } from 'preact';
import { seriesColor } from '../../core/color.ts';
import { dark } from '../../core/settings.ts';
import type { Drawn } from './frame-props.ts';
import { singles } from './values.ts';

function slice(from: number, to: number, inner: number): string {
  const point = (t: number, r: number): string => {
    const angle = (t - 0.25) * 2 * Math.PI;
    return `${(100 + r * Math.cos(angle)).toFixed(2)} ${(100 + r * Math.sin(angle)).toFixed(2)}`;
  };
  const end = Math.min(to, from + 0.99999);
  const large = end - from > 0.5 ? 1 : 0;
  if (inner === 0) return `M100 100L${point(from, 92)}A92 92 0 ${large} 1 ${point(end, 92)}Z`;
  return `M${point(from, 92)}A92 92 0 ${large} 1 ${point(end, 92)}L${point(end, inner)}A${inner} ${inner} 0 ${large} 0 ${point(from, inner)}Z`;
}

export function PiePanel(props: Drawn): JSX.Element {
  const isDark = dark.value;
  const list = singles(props, isDark).filter((s) => typeof s.value === 'number' && s.value > 0);
  const total = list.reduce((sum, s) => sum + Number(s.value), 0);
  const colorOf = (i: number): string => (list[i]!.config.colorMode === 'fixed' ? list[i]!.shown.color : seriesColor(i, isDark));
  let at = 0;
  return (
    <div class="pie" data-testid="pie">
      <svg viewBox="0 0 200 200" aria-hidden="true">
        {list.map((s, i) => {
          const from = at;
          at += Number(s.value) / total;
          return (
            <path key={i} d={slice(from, at, props.panel.options.pieType === 'donut' ? 52 : 0)} fill={colorOf(i)}>
              <title>{s.name}</title>
            </path>
          );
        })}
      </svg>
      <ul class="pie-legend">
        {list.map((s, i) => (
          <li key={i}>
            <span class="swatch" style={{ background: colorOf(i) }} />
            <span class="legend-name">{s.name}</span>
            <span class="num" data-testid="stat-value" data-value={Number(s.value)}>
              {s.shown.prefix + s.shown.text + s.shown.suffix} <span class="dim">{((Number(s.value) / total) * 100).toFixed(0)}%</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
