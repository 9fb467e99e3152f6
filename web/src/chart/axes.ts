// Axes, grids and ranges for uPlot.
import uPlot from 'uplot';
import type { ChartScale } from './spec.ts';

export interface Ink {
  text: string;
  grid: string;
  font: string;
}

/** Colours and font as the style sheet has them now. */
export function ink(element: Element): Ink {
  const style = getComputedStyle(element);
  return {
    text: style.getPropertyValue('--ink-soft').trim() || '#667',
    grid: style.getPropertyValue('--grid').trim() || 'rgba(128,128,128,.2)',
    font: `11px ${style.fontFamily || 'sans-serif'}`,
  };
}

const two = (n: number): string => String(n).padStart(2, '0');

/** Tick texts for the time axis: clock times, with the day where it changes or nothing finer shows. */
function timeTicks(splits: number[], incr: number, utc: boolean, spanSeconds: number): string[] {
  let lastDay = '';
  return splits.map((s, i) => {
    const d = new Date(s * 1000);
    const [mo, day, h, mi, sec] = utc
      ? [d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
      : [d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()];
    const date = `${two(mo + 1)}-${two(day)}`;
    if (incr >= 86400 * 28) return `${utc ? d.getUTCFullYear() : d.getFullYear()}-${two(mo + 1)}`;
    if (incr >= 86400) return date;
    const clock = incr >= 60 ? `${two(h)}:${two(mi)}` : `${two(h)}:${two(mi)}:${two(sec)}`;
    const changed = date !== lastDay && (i > 0 || spanSeconds > 86400);
    lastDay = date;
    return changed && spanSeconds > TWO_LINES_SECONDS ? `${clock}\n${date}` : clock;
  });
}

/** Above half a day the ticks carry the date on a second line. */
const TWO_LINES_SECONDS = 43200;

export function timeAxis(colors: Ink, utc: boolean, grid: boolean, spanSeconds: number): uPlot.Axis {
  return {
    scale: 'x',
    stroke: colors.text,
    font: colors.font,
    size: spanSeconds > TWO_LINES_SECONDS ? 44 : 30,
    gap: 6,
    space: 74,
    grid: { show: grid, stroke: colors.grid, width: 1 },
    ticks: { show: true, stroke: colors.grid, width: 1, size: 4 },
    values: (u, splits, _axis, _space, incr) => timeTicks(splits, incr, utc, (u.scales['x']!.max ?? 0) - (u.scales['x']!.min ?? 0)),
  };
}

/** Enough decimals that no two neighbouring ticks read the same. */
function valueTicks(splits: (number | null)[], format: ChartScale['format']): (string | null)[] {
  for (const decimals of [null, 1, 2, 3, 4, 5, 6]) {
    const texts = splits.map((v) => (v === null ? null : format(Math.abs(v) < 1e-12 ? 0 : v, decimals)));
    const seen = texts.filter((t) => t !== null);
    if (new Set(seen).size === seen.length || decimals === 6) return texts;
  }
  return [];
}

/** Steps that read well as times, in seconds: 1, 2, 5, 10, 15, 30, then minutes, hours and days. */
const TIME_STEPS: number[] = [];
for (let power = -9; power < 0; power++) for (const m of [1, 2, 5]) TIME_STEPS.push(m * 10 ** power);
TIME_STEPS.push(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000);
for (const m of [2, 5, 10, 20, 50, 100, 1000]) TIME_STEPS.push(m * 31536000);

const BINARY_STEPS: number[] = [];
for (let power = -4; power < 70; power++) BINARY_STEPS.push(2 ** power);

function axisSize(u: uPlot, values: string[] | null, axisIndex: number): number {
  const axis = u.axes[axisIndex]!;
  const longest = (values ?? []).reduce((a, v) => (v && v.length > a.length ? v : a), '');
  if (!longest) return 24;
  u.ctx.save();
  u.ctx.font = (axis.font as unknown as string[])[0]!;
  const width = u.ctx.measureText(longest).width / devicePixelRatio;
  u.ctx.restore();
  return Math.ceil(width + 4 + 6 + (axis.label ? 18 : 0));
}

export function valueAxis(key: string, scale: ChartScale, colors: Ink, grid: boolean): uPlot.Axis {
  const base: uPlot.Axis = {
    scale: key,
    show: scale.visible,
    side: scale.side === 'left' ? 3 : 1,
    stroke: colors.text,
    font: colors.font,
    gap: 6,
    space: 28,
    grid: { show: grid, stroke: colors.grid, width: 1 },
    ticks: { show: false, size: 0 },
    border: { show: false },
    size: axisSize as never,
    values: (_u, splits) => valueTicks(splits, scale.format) as string[],
  };
  if (scale.binary && !scale.log) base.incrs = BINARY_STEPS;
  if (scale.secondsPer && !scale.log) base.incrs = TIME_STEPS.map((s) => s / scale.secondsPer!);
  if (scale.label) {
    base.label = scale.label;
    base.labelSize = 18;
    base.labelGap = 2;
    base.labelFont = colors.font;
  }
  return base;
}

/** The range that a value axis shows: data with a little air, the limits as asked for. */
export function valueRange(scale: ChartScale, hugZero: boolean): (u: uPlot, min: number | null, max: number | null) => [number, number] {
  return (_u, dataMin, dataMax) => {
    let low = Number.isFinite(dataMin) ? dataMin! : (scale.min ?? 0);
    let high = Number.isFinite(dataMax) ? dataMax! : (scale.max ?? 1);
    if (scale.softMin !== undefined) low = Math.min(low, scale.softMin);
    if (scale.softMax !== undefined) high = Math.max(high, scale.softMax);
    if (hugZero) {
      low = Math.min(low, 0);
      high = Math.max(high, 0);
    }
    if (scale.log) {
      const [a, b] = uPlot.rangeLog(low > 0 ? low : 1e-3, Math.max(high, 1e-3), scale.log, true) as [number, number];
      return [scale.min !== undefined && scale.min > 0 ? scale.min : a, scale.max ?? b];
    }
    if (low === high) {
      const air = low === 0 ? 1 : Math.abs(low) * 0.1;
      [low, high] = low === 0 ? [0, 1] : [low - air, high + air];
      if (dataMin !== null && dataMin > 0) low = Math.max(low, 0);
    } else {
      const air = (high - low) * 0.07;
      high += scale.softMax !== undefined && high === scale.softMax ? 0 : air;
      if (low !== 0 && !(scale.softMin !== undefined && low === scale.softMin)) low = low > 0 && low - air < 0 ? 0 : low - air;
    }
    if (scale.min !== undefined) low = scale.min;
    if (scale.max !== undefined) high = scale.max;
    return low < high ? [low, high] : [low, low + 1];
  };
}
