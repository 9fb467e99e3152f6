// A time chart: canvas, tooltip, keyboard cursor, and the hidden table that says the same in text.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { reduce } from '../core/reduce.ts';
import { dark, zone } from '../core/settings.ts';
import { formatMoment } from '../core/time.ts';
import { ink } from './axes.ts';
import { dataOf, optionsOf } from './draw.ts';
import type { ChartSpec } from './spec.ts';
import { fillTooltip, placeTooltip, rowsAt } from './tooltip.ts';

const MOST_TABLE_ROWS = 200;

/** What forces a new uPlot instead of new data in the old one. */
function shape(spec: ChartSpec): string {
  const series = spec.series.map((s) => [s.name, s.color, s.scale, s.draw, s.interpolation, s.width, s.fill, s.fades, s.dash, s.points, s.hidden, s.stackGroup, s.percent, s.spanNulls, s.pointSize]);
  const scales = Object.entries(spec.scales).map(([k, v]) => [k, v.side, v.visible, v.min, v.max, v.softMin, v.softMax, v.log, v.binary, v.label, v.format(1234.5, null)]);
  return JSON.stringify([series, scales, spec.sync, spec.showGrid, spec.range[1] - spec.range[0] > 43200]);
}

/** Width and height of an element, followed as it changes. */
export function useSize(ref: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = (): void => {
      const next = { width: Math.floor(element.clientWidth), height: Math.floor(element.clientHeight) };
      setSize((old) => (old.width === next.width && old.height === next.height ? old : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return size;
}

/** The chart's numbers for screen readers and tests: what a glance at the picture tells. */
export function DataTable({ spec, label }: { spec: ChartSpec; label: string }): JSX.Element {
  const stats = ['lastNotNull', 'min', 'max', 'mean'] as const;
  return (
    <div class="sr-only">
      <table data-testid="chart-data">
        <caption>{label}</caption>
        <thead>
          <tr>
            {['Series', 'Last', 'Min', 'Max', 'Mean', 'Points'].map((h) => (
              <th key={h} scope="col">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {spec.series.slice(0, MOST_TABLE_ROWS).map((s, i) => (
            <tr key={i}>
              <th scope="row">{s.name}</th>
              {stats.map((stat) => {
                const v = reduce(s.values, stat);
                return (
                  <td key={stat} data-value={v ?? ''}>
                    {v === null ? '' : s.format(v)}
                  </td>
                );
              })}
              <td>{s.values.filter((v) => v !== null && v !== undefined).length}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Props {
  spec: ChartSpec;
  label: string;
  onZoom?: ((fromSeconds: number, toSeconds: number) => void) | undefined;
  onZoomOut?: (() => void) | undefined;
}

/** Fills its parent, which must have a height. */
export function TimeChart({ spec, label, onZoom, onZoomOut }: Props): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const live = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ spec, onZoom });
  latest.current = { spec, onZoom };
  const size = useSize(frame);
  const utc = zone.value === 'utc';
  const isDark = dark.value;
  const signature = shape(spec);
  const ready = size.width > 40 && size.height > 40;

  useEffect(() => {
    if (!ready || !frame.current) return;
    let focused: number | null = null;
    const { data, bands } = dataOf(latest.current.spec);
    const events = {
      zoom: (from: number, to: number) => latest.current.onZoom?.(from, to),
      cursor: (u: uPlot) => {
        const box = tip.current;
        if (!box) return;
        const index = u.cursor.idx;
        if (index === null || index === undefined || latest.current.spec.tooltip === 'none' || !u.over.matches(':hover')) {
          box.hidden = true;
          return;
        }
        fillTooltip(box, latest.current.spec, index, focused, utc);
        if (!box.hidden) placeTooltip(box, u);
      },
    };
    const options = optionsOf(() => latest.current.spec, bands, ink(frame.current), utc, size, events);
    options.hooks!.setSeries = [(_u, index) => void (focused = index === null ? null : index - 1)];
    const u = new uPlot(options, data, frame.current);
    plot.current = u;
    return () => {
      plot.current = null;
      if (tip.current) tip.current.hidden = true;
      u.destroy();
    };
  }, [signature, utc, isDark, ready]);

  useEffect(() => {
    if (plot.current && ready) plot.current.setSize(size);
  }, [size.width, size.height]);

  useEffect(() => {
    const u = plot.current;
    if (!u) return;
    u.setData(dataOf(spec).data, true);
  }, [spec]);

  /** Arrow keys walk through the times; the live region reads the values. */
  const onKey = (event: KeyboardEvent): void => {
    const u = plot.current;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!u || step === undefined || spec.times.length === 0) return;
    event.preventDefault();
    const index = Math.min(Math.max((u.cursor.idx ?? spec.times.length - 1) + step, 0), spec.times.length - 1);
    u.setCursor({ left: u.valToPos(spec.times[index]!, 'x'), top: u.over.clientHeight / 2 });
    const said = rowsAt(spec, index).slice(0, 5).map((r) => `${r.name} ${r.text}`);
    if (live.current) live.current.textContent = `${formatMoment(spec.times[index]! * 1000, utc)}: ${said.join('; ') || 'no value'}`;
  };

  return (
    <figure class="chart" aria-label={label}>
      <div class="chart-frame" ref={frame} tabIndex={0} role="img" aria-label={`${label}: time chart with ${spec.series.length} series; arrow keys read values`} onKeyDown={onKey} onDblClick={() => onZoomOut?.()} />
      <div class="tooltip" ref={tip} hidden />
      <div class="sr-only" aria-live="polite" ref={live} />
      <DataTable spec={spec} label={label} />
    </figure>
  );
}
