// One number from many: the calculations that legends, stats and table reductions name. Pure.

export type Cell = number | null | undefined;

const numbers = (values: readonly Cell[]): number[] => values.filter((v): v is number => v !== null && v !== undefined && !Number.isNaN(v));

/** Old and new spellings to one. */
const ALIASES: Record<string, string> = {
  current: 'lastNotNull',
  avg: 'mean',
  average: 'mean',
  total: 'sum',
  last_time: 'lastNotNull',
  name: 'lastNotNull',
};

const NAMES: Record<string, string> = {
  lastNotNull: 'Last *',
  last: 'Last',
  firstNotNull: 'First *',
  first: 'First',
  mean: 'Mean',
  sum: 'Total',
  min: 'Min',
  max: 'Max',
  count: 'Count',
  range: 'Range',
  delta: 'Delta',
  diff: 'Difference',
  diffperc: 'Difference %',
  stdDev: 'Std dev',
  variance: 'Variance',
  median: 'Median',
  distinctCount: 'Distinct',
  logmin: 'Min (above 0)',
};

export const canonicalCalc = (id: string): string => ALIASES[id] ?? id;
export const calcName = (id: string): string => NAMES[canonicalCalc(id)] ?? id;

/** Sum of the growth between neighbours, a fall counting as a restart from zero. */
function delta(v: number[]): number | null {
  if (v.length === 0) return null;
  let total = 0;
  for (let i = 1; i < v.length; i++) total += v[i]! >= v[i - 1]! ? v[i]! - v[i - 1]! : v[i]!;
  return total;
}

function variance(v: number[]): number | null {
  if (v.length === 0) return null;
  const mean = v.reduce((a, b) => a + b, 0) / v.length;
  return v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length;
}

function quantile(v: number[], q: number): number | null {
  if (v.length === 0) return null;
  const sorted = [...v].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

/** Applies a calculation by its Grafana id; null where there is nothing to calculate on. */
export function reduce(values: readonly Cell[], calc: string): number | null {
  const id = canonicalCalc(calc);
  const v = numbers(values);
  const first = v[0] ?? null;
  const last = v[v.length - 1] ?? null;
  switch (id) {
    case 'last':
      return values[values.length - 1] ?? null;
    case 'first':
      return values[0] ?? null;
    case 'firstNotNull':
      return first;
    case 'min':
      return v.length ? v.reduce((a, b) => Math.min(a, b)) : null;
    case 'max':
      return v.length ? v.reduce((a, b) => Math.max(a, b)) : null;
    case 'logmin': {
      const above = v.filter((x) => x > 0);
      return above.length ? above.reduce((a, b) => Math.min(a, b)) : null;
    }
    case 'sum':
      return v.length ? v.reduce((a, b) => a + b, 0) : null;
    case 'mean':
      return v.length ? v.reduce((a, b) => a + b, 0) / v.length : null;
    case 'count':
      return values.length;
    case 'range':
      return v.length ? v.reduce((a, b) => Math.max(a, b)) - v.reduce((a, b) => Math.min(a, b)) : null;
    case 'diff':
      return first === null || last === null ? null : last - first;
    case 'diffperc':
      return first === null || last === null || first === 0 ? null : ((last - first) / first) * 100;
    case 'delta':
      return delta(v);
    case 'variance':
      return variance(v);
    case 'stdDev': {
      const s = variance(v);
      return s === null ? null : Math.sqrt(s);
    }
    case 'median':
      return quantile(v, 0.5);
    case 'distinctCount':
      return new Set(v).size;
    default: {
      const p = /^p(\d{1,2})$/.exec(id);
      if (p) return quantile(v, Number(p[1]) / 100);
      // An infinite or NaN last value is a value all the same: it is what the series says now.
      for (let i = values.length - 1; i >= 0; i--) {
        const x = values[i];
        if (x !== null && x !== undefined) return x;
      }
      return null;
    }
  }
}
