// Query results onto one shared list of times. Pure.
import { numeric, type Series } from '../api/prometheus.ts';
import type { Value } from './spec.ts';

export interface Aligned {
  times: number[];
  /** One list of values per series of each result, in the order given. */
  values: Value[][][];
}

export interface Grid {
  series: readonly Series[];
  startMs: number;
  endMs: number;
  stepMs: number;
}

/** Whole milliseconds of the steps that a range query answers on. */
function gridTimes(g: Grid): number[] {
  const out: number[] = [];
  for (let t = g.startMs; t <= g.endMs; t += g.stepMs) out.push(t);
  return out;
}

/** The float of a sample, or a native histogram's count where that is all there is. */
export function samplesOf(s: Series): [number, number][] {
  const floats = (s.values ?? []).map(([t, v]): [number, number] => [Math.round(t * 1000), numeric(v)]);
  const histograms = (s.histograms ?? []).map(([t, h]): [number, number] => [Math.round(t * 1000), numeric(h.count)]);
  return histograms.length === 0 ? floats : [...floats, ...histograms].sort((a, b) => a[0] - b[0]);
}

/**
 * Lines up any number of range results. A step of its own grid at which a series has no sample is
 * a gap (null); a time that only other results have is none (undefined). NaN reads as a gap.
 */
export function align(grids: readonly Grid[]): Aligned {
  const all = new Set<number>();
  const own = grids.map((g) => gridTimes(g));
  for (const times of own) for (const t of times) all.add(t);
  for (const g of grids) for (const s of g.series) for (const [t] of samplesOf(s)) all.add(t);
  const times = [...all].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const values = grids.map((g, k) =>
    g.series.map((s) => {
      const row: Value[] = new Array(times.length).fill(undefined);
      for (const t of own[k]!) row[at.get(t)!] = null;
      for (const [t, v] of samplesOf(s)) row[at.get(t)!] = Number.isNaN(v) ? null : v;
      return row;
    }),
  );
  return { times: times.map((t) => t / 1000), values };
}
