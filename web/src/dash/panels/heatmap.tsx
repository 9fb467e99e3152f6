// Heatmaps of histograms: each `le` series becomes a band, its colour the growth in that bucket.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { useSize } from '../../chart/timechart.tsx';
import { ink } from '../../chart/axes.ts';
import { blend, ramp } from '../../core/color.ts';
import { dark, zone } from '../../core/settings.ts';
import { formatMoment } from '../../core/time.ts';
import { format } from '../../core/units.ts';
import { fieldName } from '../frames.ts';
import type { Drawn } from './frame-props.ts';

interface Bands {
  /** Upper edges, ascending; +Inf last. */
  edges: string[];
  times: number[];
  /** [band][time] */
  cells: (number | null)[][];
  stepMs: number;
  most: number;
}

const edgeOf = (text: string): number => (text === '+Inf' ? Infinity : Number(text));

function bandsOf({ frames, panel }: Drawn): Bands {
  const lines = frames
    .map((f) => ({ f, value: f.fields.find((x) => x.type === 'number'), time: f.fields.find((x) => x.type === 'time') }))
    .filter((l) => l.value && l.time)
    .map((l) => ({ ...l, edge: l.value!.labels['le'] ?? fieldName(l.value!) }));
  const cumulative = lines.length > 0 && lines.every((l) => l.value!.labels['le'] !== undefined);
  lines.sort((a, b) => (cumulative || lines.every((l) => !Number.isNaN(edgeOf(l.edge))) ? edgeOf(a.edge) - edgeOf(b.edge) : 0));
  const times = [...new Set(lines.flatMap((l) => l.time!.values.map(Number)))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const raw = lines.map((l) => {
    const row: (number | null)[] = new Array(times.length).fill(null);
    l.time!.values.forEach((t, i) => {
      const v = l.value!.values[i];
      row[at.get(Number(t))!] = typeof v === 'number' && Number.isFinite(v) ? v : null;
    });
    return row;
  });
  // A classic bucket counts everything up to its edge: what fell into it alone is the difference.
  const split = cumulative && panel.targets.some((t) => t.format === 'heatmap' || /_bucket|\ble\b/.test(t.expr));
  const cells = raw.map((row, k) => row.map((v, i) => (v === null ? null : split && k > 0 ? Math.max(0, v - (raw[k - 1]![i] ?? 0)) : v)));
  let most = 0;
  for (const row of cells) for (const v of row) most = Math.max(most, v ?? 0);
  return { edges: lines.map((l) => l.edge), times, cells, stepMs: frames[0]?.stepMs || 60_000, most };
}

const LEFT = 62;
const BOTTOM = 20;
const TICK_STEPS_MS = [1e3, 5e3, 10e3, 30e3, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 2592e6];

/** The least plain step that is no shorter. */
const tickStep = (ms: number): number => TICK_STEPS_MS.find((s) => s >= ms) ?? TICK_STEPS_MS.at(-1)!;

export function HeatmapPanel(props: Drawn): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const isDark = dark.value;
  const utc = zone.value === 'utc';
  const bands = useMemo(() => bandsOf(props), [props.frames]);
  const { fromMs, toMs } = props.data.span;
  const unit = props.panel.options.yUnit;
  const label = (edge: string): string => (Number.isFinite(edgeOf(edge)) ? format(Number(edge), unit) : edge);
  useEffect(() => {
    const c = canvas.current;
    const g = c?.getContext('2d');
    if (!c || !g || size.width < LEFT + 20) return;
    const ratio = devicePixelRatio;
    c.width = size.width * ratio;
    c.height = size.height * ratio;
    g.scale(ratio, ratio);
    const [w, h] = [size.width - LEFT - 8, size.height - BOTTOM - 4];
    const x = (t: number): number => LEFT + ((t - fromMs) / (toMs - fromMs)) * w;
    const rowHeight = h / Math.max(bands.edges.length, 1);
    const stops = ramp('continuous-blues', isDark).concat(ramp('continuous-BlYlRd', isDark).slice(1));
    bands.cells.forEach((row, k) => {
      const top = 4 + h - (k + 1) * rowHeight;
      row.forEach((v, i) => {
        if (!v) return;
        g.fillStyle = blend(stops, Math.pow(v / bands.most, 0.5));
        const left = Math.max(x(bands.times[i]! - bands.stepMs), LEFT);
        g.fillRect(left, top + 0.5, Math.max(x(bands.times[i]!) - left - 0.5, 1), Math.max(rowHeight - 1, 1));
      });
    });
    const colors = ink(c);
    g.fillStyle = colors.text;
    g.font = colors.font;
    g.textBaseline = 'middle';
    g.textAlign = 'right';
    const rows = Math.ceil(16 / rowHeight);
    bands.edges.forEach((e, k) => k % rows === 0 && g.fillText(label(e), LEFT - 6, 4 + h - (k + 1) * rowHeight + rowHeight / 2));
    g.textAlign = 'center';
    const every = tickStep((toMs - fromMs) / Math.max(2, Math.floor(w / 90)));
    for (let t = Math.ceil(fromMs / every) * every; t <= toMs; t += every) {
      const text = formatMoment(t, utc);
      g.fillText(toMs - fromMs > 864e5 * 2 ? text.slice(5, 10) : text.slice(11, 16), Math.min(Math.max(x(t), LEFT + 12), size.width - 18), size.height - 9);
    }
  }, [bands, size.width, size.height, isDark, utc, fromMs, toMs]);
  return (
    <div class="heatmap" ref={box}>
      <canvas ref={canvas} role="img" aria-label={`${props.title}: heatmap with ${bands.edges.length} buckets`} />
      <div class="sr-only">
        <table data-testid="chart-data">
          <caption>{props.title}</caption>
          <tbody>
            {bands.edges.map((e, k) => (
              <tr key={e}>
                <th scope="row">{label(e)}</th>
                <td data-value={bands.cells[k]!.reduce<number>((a, b) => a + (b ?? 0), 0)}>{format(bands.cells[k]!.at(-1) ?? null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
