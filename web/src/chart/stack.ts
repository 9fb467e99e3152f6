// Stacking: uPlot draws what it is given, so the sums are made here. Pure.

export interface Stackable {
  values: (number | null | undefined)[];
  /** Series with the same group are stacked on each other; undefined: not stacked. */
  stackGroup?: string | undefined;
  percent?: boolean | undefined;
}

/** Fill from series `upper` down to series `lower` (indices into the given list). */
export interface Band {
  upper: number;
  lower: number;
}

export interface Stacked {
  values: (number | null | undefined)[][];
  bands: Band[];
}

const sign = (values: readonly (number | null | undefined)[]): number => {
  let balance = 0;
  for (const v of values) if (v) balance += v > 0 ? 1 : -1;
  return balance < 0 ? -1 : 1;
};

/** Sums of |values| per time and stack, for percent stacking. */
function totals(series: readonly Stackable[], length: number): Map<string, Float64Array> {
  const out = new Map<string, Float64Array>();
  for (const s of series) {
    if (s.stackGroup === undefined || !s.percent) continue;
    const sums = out.get(s.stackGroup) ?? new Float64Array(length);
    out.set(s.stackGroup, sums);
    for (let i = 0; i < length; i++) sums[i] = sums[i]! + Math.abs(s.values[i] ?? 0);
  }
  return out;
}

/**
 * Each stacked series becomes the sum of itself and those before it in its group; what points
 * below zero is stacked downwards on its own. A missing value adds nothing and stays missing.
 */
export function stack(series: readonly Stackable[], length: number): Stacked {
  const values: (number | null | undefined)[][] = [];
  const bands: Band[] = [];
  const sums = new Map<string, { base: Float64Array; held: Uint8Array; last: number }>();
  const whole = totals(series, length);
  series.forEach((s, index) => {
    if (s.stackGroup === undefined) {
      values.push(s.values);
      return;
    }
    const key = `${s.stackGroup}/${sign(s.values)}`;
    const state = sums.get(key) ?? { base: new Float64Array(length), held: new Uint8Array(length), last: -1 };
    sums.set(key, state);
    const whole100 = whole.get(s.stackGroup);
    const out: (number | null | undefined)[] = new Array(length);
    for (let i = 0; i < length; i++) {
      const v = s.values[i];
      if (v === null || v === undefined || !Number.isFinite(v)) {
        // Inside a stack a hole would tear the area: it carries the sum of what is there below it.
        out[i] = state.held[i] && v === null ? state.base[i]! : v;
        continue;
      }
      const share = whole100 ? (whole100[i]! === 0 ? 0 : v / whole100[i]!) : v;
      state.base[i] = state.base[i]! + share;
      state.held[i] = 1;
      out[i] = state.base[i]!;
    }
    values.push(out);
    if (state.last >= 0) bands.push({ upper: index, lower: state.last });
    state.last = index;
  });
  return { values, bands };
}
