// A chart's spec to uPlot's options and data.
import uPlot from 'uplot';
import { withAlpha } from '../core/color.ts';
import { timeAxis, valueAxis, valueRange, type Ink } from './axes.ts';
import type { ChartSeries, ChartSpec, Value } from './spec.ts';
import { stack, type Band } from './stack.ts';

const BARS = uPlot.paths.bars!({ size: [0.75, 60] });
const PATHS = {
  linear: uPlot.paths.linear!(),
  smooth: uPlot.paths.spline!(),
  stepAfter: uPlot.paths.stepped!({ align: 1 }),
  stepBefore: uPlot.paths.stepped!({ align: -1 }),
} as const;

/** Points with a gap on both sides: without a dot of their own they would not be seen. */
function lonely(u: uPlot, seriesIndex: number, show: boolean): number[] | null {
  if (show) return null;
  const data = u.data[seriesIndex]!;
  const out: number[] = [];
  let before: Value = null;
  let candidate = -1;
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (v === undefined) continue;
    if (candidate >= 0 && v === null) out.push(candidate);
    candidate = v !== null && before === null ? i : -1;
    before = v;
  }
  if (candidate >= 0) out.push(candidate);
  return out.length > 0 ? out : null;
}

/** The series' colour, fading from the top of the plot to its bottom. */
function fading(s: ChartSeries): (u: uPlot) => CanvasGradient | string {
  return (u) => {
    const { top, height } = u.bbox;
    if (!Number.isFinite(top) || !Number.isFinite(height)) return withAlpha(s.color, s.fill);
    const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
    gradient.addColorStop(0, withAlpha(s.color, Math.min(1, s.fill * 1.4)));
    gradient.addColorStop(1, withAlpha(s.color, s.fill * 0.15));
    return gradient;
  };
}

function drawn(s: ChartSeries): uPlot.Series {
  const bars = s.draw === 'bars';
  const onlyPoints = s.draw === 'points';
  return {
    label: s.name,
    scale: s.scale,
    show: !s.hidden,
    stroke: onlyPoints ? 'transparent' : s.color,
    width: onlyPoints ? 0 : s.width,
    ...(s.fill > 0 && !onlyPoints ? { fill: s.fades ? fading(s) : withAlpha(s.color, s.fill) } : {}),
    ...(s.dash ? { dash: s.dash } : {}),
    paths: bars ? BARS : PATHS[s.interpolation],
    spanGaps: s.spanNulls === true,
    points: {
      show: onlyPoints || s.points === 'always',
      size: s.pointSize ?? (onlyPoints ? 5 : 4),
      stroke: s.color,
      fill: s.color,
      ...(bars ? {} : { filter: lonely as never }),
    },
  };
}

/** Short gaps become bridged ones: uPlot leaves out undefined and breaks the line at null. */
function bridge(times: readonly number[], values: readonly Value[], seconds: number): Value[] {
  const out = values.slice();
  let from = -1;
  for (let i = 0; i < out.length; i++) {
    if (out[i] === null || out[i] === undefined) continue;
    if (from >= 0 && times[i]! - times[from]! <= seconds) for (let k = from + 1; k < i; k++) out[k] = undefined;
    from = i;
  }
  return out;
}

/** Data as uPlot takes it, infinities left out: no axis can show them. */
export function dataOf(spec: ChartSpec): { data: uPlot.AlignedData; bands: Band[] } {
  const cleaned = spec.series.map((s) => {
    const values = s.values.map((v) => (v !== null && v !== undefined && !Number.isFinite(v) ? null : v));
    const bridged = typeof s.spanNulls === 'number' ? bridge(spec.times, values, s.spanNulls) : values;
    return { values: bridged, stackGroup: s.hidden ? undefined : s.stackGroup, percent: s.percent };
  });
  const { values, bands } = stack(cleaned, spec.times.length);
  return { data: [spec.times, ...values] as uPlot.AlignedData, bands };
}

/** Horizontal lines and areas at the thresholds. */
function drawThresholds(u: uPlot, spec: ChartSpec): void {
  const t = spec.thresholds;
  const scale = t && u.scales[t.scale];
  if (!t || !scale || scale.min == null || scale.max == null) return;
  const { ctx, bbox } = u;
  const [min, max] = [scale.min, scale.max];
  const y = (v: number): number => u.valToPos(Math.min(Math.max(v, min), max), t.scale, true);
  ctx.save();
  for (const mark of t.marks) {
    if (t.areas) {
      const [top, bottom] = [y(mark.upTo ?? max), y(mark.value)];
      ctx.fillStyle = withAlpha(mark.color, 0.1);
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
    if (t.lines && mark.value >= min && mark.value <= max) {
      ctx.strokeStyle = mark.color;
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash(t.dashed ? [6 * devicePixelRatio, 5 * devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(mark.value));
      ctx.lineTo(bbox.left + bbox.width, y(mark.value));
      ctx.stroke();
    }
  }
  ctx.restore();
}

export interface Events {
  zoom: (fromSeconds: number, toSeconds: number) => void;
  cursor: (u: uPlot) => void;
}

/** uPlot's options for a spec at a size. `latest` gives the spec of the moment, for drawing hooks. */
export function optionsOf(latest: () => ChartSpec, bands: Band[], colors: Ink, utc: boolean, size: { width: number; height: number }, events: Events): uPlot.Options {
  const spec = latest();
  const keys = Object.keys(spec.scales);
  const grid = spec.showGrid ?? true;
  const scales: uPlot.Scales = { x: { time: true, range: () => latest().range } };
  for (const key of keys) {
    const scale = spec.scales[key]!;
    const zero = spec.series.some((s) => s.scale === key && !s.hidden && (s.draw === 'bars' || s.stackGroup !== undefined));
    scales[key] = { range: valueRange(scale, zero) as never, ...(scale.log ? { distr: 3, log: scale.log } : {}) };
  }
  const firstVisible = keys.find((k) => spec.scales[k]!.visible);
  return {
    ...size,
    padding: [8, keys.some((k) => spec.scales[k]!.side === 'right' && spec.scales[k]!.visible) ? 4 : 20, 0, 4],
    legend: { show: false },
    ...(utc ? { tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC') } : {}),
    scales,
    axes: [timeAxis(colors, utc, grid, spec.range[1] - spec.range[0]), ...keys.map((k) => valueAxis(k, spec.scales[k]!, colors, grid && k === firstVisible))],
    series: [{}, ...spec.series.map(drawn)],
    bands: bands.map((b) => ({ series: [b.upper + 1, b.lower + 1] as [number, number] })),
    focus: { alpha: 1 },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      focus: { prox: 1e6 },
      points: { size: 7, width: 2 },
      ...(spec.sync ? { sync: { key: spec.sync, scales: ['x', null] } } : {}),
    },
    hooks: {
      drawAxes: [(u) => drawThresholds(u, latest())],
      setCursor: [events.cursor],
      setSelect: [
        (u) => {
          if (u.select.width < 6) return;
          const from = u.posToVal(u.select.left, 'x');
          const to = u.posToVal(u.select.left + u.select.width, 'x');
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          events.zoom(from, to);
        },
      ],
    },
  };
}
