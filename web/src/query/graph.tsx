// The graph tab: a range query's answer as a time chart with a legend.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { align } from '../chart/align.ts';
import { Legend, toggled } from '../chart/legend.tsx';
import type { ChartSeries, ChartSpec } from '../chart/spec.ts';
import { TimeChart } from '../chart/timechart.tsx';
import { seriesName, type Series } from '../api/prometheus.ts';
import { seriesColor } from '../core/color.ts';
import { dark } from '../core/settings.ts';
import { format } from '../core/units.ts';

export const MOST_SERIES = 500;

interface Props {
  series: Series[];
  startMs: number;
  endMs: number;
  stepMs: number;
  stacked: boolean;
  fromZero: boolean;
  expr: string;
  onZoom: (fromSeconds: number, toSeconds: number) => void;
  onZoomOut: () => void;
}

/** Axis numbers: as they are below ten thousand, with k, M, G above and an exponent far below one. */
const axisText = (v: number, d: number | null): string =>
  Math.abs(v) >= 1e4 ? format(v, 'sishort', d).replace(/ (?=\D+$)/, '').trim() : v !== 0 && Math.abs(v) < 1e-4 ? v.toExponential(d ?? 1) : format(v, undefined, d);

const exact = (v: number): string => {
  const text = String(v);
  return text.length <= 12 ? text : format(v, undefined, null).length <= 4 ? v.toPrecision(6) : format(v, undefined, Math.abs(v) < 1 ? 6 : 3);
};

export function ResultGraph(props: Props): JSX.Element {
  const { startMs, endMs, stepMs, stacked, fromZero } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const isDark = dark.value;
  const shown = props.series.slice(0, MOST_SERIES);
  const aligned = useMemo(() => align([{ series: shown, startMs, endMs, stepMs }]), [props.series, startMs, endMs, stepMs]);
  const spec = useMemo((): ChartSpec => {
    const series = shown.map((s, i): ChartSeries => {
      const name = seriesName(s.metric);
      return {
        name,
        color: seriesColor(i, isDark),
        values: aligned.values[0]![i]!,
        scale: 'y',
        draw: 'line',
        interpolation: 'linear',
        width: 1.6,
        fill: stacked ? 0.35 : shown.length === 1 ? 0.08 : 0,
        points: 'auto',
        stackGroup: stacked ? 'all' : undefined,
        format: exact,
        hidden: hidden.has(name),
      };
    });
    return {
      times: aligned.times,
      range: [startMs / 1000, endMs / 1000],
      series,
      scales: { y: { side: 'left', visible: true, min: fromZero ? 0 : undefined, format: axisText } },
      tooltip: 'all',
    };
  }, [aligned, stacked, fromZero, isDark, hidden]);
  const names = spec.series.map((s) => s.name);
  return (
    <>
      {props.series.length > MOST_SERIES && (
        <p class="dim" data-testid="series-cut">
          The first {MOST_SERIES} of {props.series.length} series are drawn. Aggregate, or ask for topk(), to see the ones that matter.
        </p>
      )}
      <div class="query-chart">
        <TimeChart spec={spec} label={props.expr} onZoom={props.onZoom} onZoomOut={props.onZoomOut} />
      </div>
      <Legend series={spec.series} options={{ mode: 'list', placement: 'bottom', calcs: [] }} onToggle={(name, only) => setHidden(toggled(names, hidden, name, only))} />
    </>
  );
}
