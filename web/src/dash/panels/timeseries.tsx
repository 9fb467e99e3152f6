// Time series panels, new and old.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Legend, toggled } from '../../chart/legend.tsx';
import type { ChartScale, ChartSeries, ChartSpec, Thresholds, Value } from '../../chart/spec.ts';
import { TimeChart } from '../../chart/timechart.tsx';
import { namedColor } from '../../core/color.ts';
import { dark } from '../../core/settings.ts';
import { format, isBinary, secondsPer } from '../../core/units.ts';
import type { CellValue, Field, Frame } from '../frames.ts';
import type { FieldConfig } from '../model.ts';
import { absoluteThresholds, configOf, displayText, nameUnder, seriesColorOf, spanOf } from '../resolve.ts';
import type { TimeSpan } from '../variables.ts';
import type { Drawn } from './frame-props.ts';

export const MOST_SERIES = 400;

interface Line {
  frame: Frame;
  field: Field;
  config: FieldConfig;
  name: string;
}

/**
 * Times of all lines in one list, with every step of a line's own grid inside the span: where it has
 * no sample there is a gap, and the cursor finds nothing.
 */
function alignLines(lines: readonly Line[], span: TimeSpan): { times: number[]; values: Value[][] } {
  const all = new Set<number>();
  const timesOf = (l: Line): CellValue[] => l.frame.fields.find((f) => f.type === 'time')!.values;
  for (const l of lines) {
    const own = timesOf(l).map(Number);
    for (const t of own) all.add(t);
    const { stepMs } = l.frame;
    if (stepMs <= 0 || own.length === 0) continue;
    for (let t = own[0]! - stepMs; t >= span.fromMs; t -= stepMs) all.add(t);
    for (let t = own[0]! + stepMs; t <= span.toMs; t += stepMs) all.add(t);
  }
  const times = [...all].sort((a, b) => a - b);
  const index = new Map(times.map((t, i) => [t, i]));
  const values = lines.map((l) => {
    const row: Value[] = new Array(times.length).fill(undefined);
    const [first, last] = [Number(timesOf(l)[0]), Number(timesOf(l).at(-1))];
    times.forEach((t, i) => (t < first || t > last) && (row[i] = null));
    let before = -1;
    timesOf(l).forEach((t, k) => {
      const i = index.get(Number(t))!;
      const v = l.field.values[k];
      row[i] = typeof v === 'number' && !Number.isNaN(v) ? (l.config.negativeY ? -v : v) : null;
      if (before >= 0 && l.frame.stepMs > 0 && times[i]! - times[before]! > l.frame.stepMs * 1.5) {
        for (let h = before + 1; h < i; h++) row[h] = null;
      }
      before = i;
    });
    return row;
  });
  return { times: times.map((t) => t / 1000), values };
}

/** Lines with the same unit, limits and side share an axis. */
function scaleKey(c: FieldConfig): string {
  return [c.unit ?? '', c.axisSide === 'right' ? 'right' : 'left', c.min ?? '', c.max ?? '', c.log ?? 0, c.axisLabel ?? ''].join('|');
}

function scaleFor(c: FieldConfig, first: boolean): ChartScale {
  return {
    side: c.axisSide === 'right' || (!first && c.axisSide !== 'left') ? 'right' : 'left',
    visible: c.axisSide !== 'hidden',
    min: c.min,
    max: c.max,
    softMin: c.softMin,
    softMax: c.softMax,
    log: c.log === 0 ? undefined : c.log,
    binary: isBinary(c.unit),
    secondsPer: secondsPer(c.unit),
    label: c.axisLabel || undefined,
    format: (v, decimals) => format(v, c.unit ?? 'short', decimals === null && c.decimals !== undefined && c.decimals > 2 ? 2 : decimals),
  };
}

/** Areas that lie over each other are drawn thinner, or the colours turn to mud. */
const thinned = (fill: number, c: FieldConfig, lines: number): number => (c.stackMode && c.stackMode !== 'none') || c.draw === 'bars' || lines <= 2 ? fill : (fill * 2) / lines;

function chartSeries(l: Line, values: Value[], index: number, lines: number, isDark: boolean, hidden: boolean): ChartSeries {
  const c = l.config;
  const span = spanOf(c, l.field.values);
  const draw = c.draw ?? 'line';
  return {
    name: l.name,
    color: seriesColorOf(c, l.field.values, { dark: isDark, index, ...span }),
    values,
    scale: scaleKey(c),
    draw,
    interpolation: c.interpolation ?? 'linear',
    width: draw === 'bars' ? Math.min(c.lineWidth ?? 1, 1) : (c.lineWidth ?? 1) === 1 ? 1.4 : c.lineWidth!,
    fill: thinned((c.fillOpacity ?? 0) / 100, c, lines),
    fades: c.gradient === 'opacity' || c.gradient === 'hue',
    dash: c.dash && c.dash.length > 0 ? c.dash : undefined,
    points: c.points ?? 'auto',
    pointSize: c.pointSize,
    spanNulls: c.spanNulls,
    stackGroup: c.stackMode && c.stackMode !== 'none' ? `${c.stackGroup ?? 'A'}|${scaleKey(c)}` : undefined,
    percent: c.stackMode === 'percent',
    format: (v) => displayText(c, v),
    hidden: hidden || (c.hideFrom?.viz ?? false),
    hideFromTooltip: c.hideFrom?.tooltip,
    hideFromLegend: c.hideFrom?.legend,
  };
}

function thresholdsOf(c: FieldConfig, scale: string, values: Value[][], isDark: boolean): Thresholds | undefined {
  const style = c.thresholdStyle ?? 'off';
  if (style === 'off' || !c.thresholds) return undefined;
  const span = spanOf(c, values.flat());
  const steps = absoluteThresholds(c, span.min, span.max).filter((s) => Number.isFinite(s.value));
  return {
    scale,
    lines: style.includes('line') || style.includes('dashed'),
    areas: style.includes('area'),
    dashed: style.includes('dashed'),
    marks: steps.map((s, i) => ({ value: s.value, upTo: steps[i + 1]?.value, color: namedColor(s.color, isDark) })),
  };
}

export function TimeSeriesPanel(props: Drawn): JSX.Element {
  const { panel, frames, data, scope } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const isDark = dark.value;
  const lines = useMemo(
    () =>
      frames
        .filter((frame) => frame.fields.some((f) => f.type === 'time'))
        .flatMap((frame) => frame.fields.filter((f) => f.type === 'number').map((field) => {
          const config = configOf(panel, field, scope);
          return { frame, field, config, name: nameUnder(field, config, scope) };
        })),
    [frames, panel, scope],
  );
  const cut = lines.slice(0, MOST_SERIES);
  const spec = useMemo((): ChartSpec => {
    const { times, values } = alignLines(cut, data.span);
    const series = cut.map((l, i) => chartSeries(l, values[i]!, i, cut.length, isDark, hidden.has(l.name)));
    const scales: Record<string, ChartScale> = {};
    for (const l of cut) scales[scaleKey(l.config)] ??= scaleFor(l.config, Object.keys(scales).length === 0);
    if (Object.keys(scales).length === 0) scales['y'] = scaleFor(panel.defaults, true);
    for (const key of Object.keys(scales)) {
      const onIt = series.filter((s) => s.scale === key);
      if (onIt.length > 0 && onIt.every((s) => s.percent)) scales[key] = { ...scales[key]!, min: 0, max: 1, format: (v, d) => format(v, 'percentunit', d) };
    }
    return {
      times,
      range: [data.span.fromMs / 1000, data.span.toMs / 1000],
      series,
      scales,
      thresholds: thresholdsOf(panel.defaults, Object.keys(scales)[0]!, values, isDark),
      tooltip: panel.options.tooltip,
      sync: props.sync,
    };
  }, [lines, isDark, hidden, data, panel]);
  const names = spec.series.map((s) => s.name);
  const { legend } = panel.options;
  return (
    <div class={`with-legend ${legend.placement}`}>
      <div class="chart-area">
        <TimeChart spec={spec} label={props.title || 'panel'} onZoom={props.onZoom} onZoomOut={props.onZoomOut} />
      </div>
      <Legend series={spec.series} options={legend} onToggle={(name, only) => setHidden(toggled(names, hidden, name, only))} />
      {lines.length > MOST_SERIES && <div class="dim cut">{MOST_SERIES} of {lines.length} series are drawn</div>}
    </div>
  );
}
