// What a time chart is made of: the words that pages use to ask for one.

export type Value = number | null | undefined;

export interface ChartSeries {
  name: string;
  color: string;
  /** One per time: null is a gap, undefined a time that belongs to other series only. */
  values: Value[];
  /** Key of the scale it is drawn against. */
  scale: string;
  draw: 'line' | 'bars' | 'points';
  interpolation: 'linear' | 'smooth' | 'stepAfter' | 'stepBefore';
  width: number;
  /** Opacity of the area under it, 0 to 1. */
  fill: number;
  /** The area grows fainter towards the axis. */
  fades?: boolean | undefined;
  dash?: number[] | undefined;
  points: 'auto' | 'always' | 'never';
  pointSize?: number | undefined;
  /** true bridges every gap, a number those shorter than so many seconds. */
  spanNulls?: boolean | number | undefined;
  stackGroup?: string | undefined;
  percent?: boolean | undefined;
  format: (v: number) => string;
  /** Hidden in the drawing but kept in the legend (a click brings it back). */
  hidden?: boolean | undefined;
  hideFromTooltip?: boolean | undefined;
  hideFromLegend?: boolean | undefined;
}

export interface ChartScale {
  side: 'left' | 'right';
  visible: boolean;
  min?: number | undefined;
  max?: number | undefined;
  softMin?: number | undefined;
  softMax?: number | undefined;
  log?: 2 | 10 | undefined;
  /** Ticks at powers of 1024. */
  binary?: boolean | undefined;
  /** Set for durations: how many seconds one unit of the value is. Ticks then fall on whole minutes and the like. */
  secondsPer?: number | undefined;
  label?: string | undefined;
  format: (v: number, decimals: number | null) => string;
}

export interface ThresholdMark {
  value: number;
  /** Where the coloured area ends; undefined: at the top. */
  upTo?: number | undefined;
  color: string;
}

export interface Thresholds {
  scale: string;
  marks: ThresholdMark[];
  lines: boolean;
  areas: boolean;
  dashed: boolean;
}

export interface ChartSpec {
  /** Unix seconds, ascending. */
  times: number[];
  /** Unix seconds shown on the x axis. */
  range: [number, number];
  series: ChartSeries[];
  scales: Record<string, ChartScale>;
  thresholds?: Thresholds | undefined;
  tooltip: 'all' | 'single' | 'none';
  /** Shared crosshair among charts with the same key. */
  sync?: string | undefined;
  showGrid?: boolean | undefined;
}
