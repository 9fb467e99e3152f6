// Our typed model of a dashboard. Every generation of Grafana's JSON is normalised into it.

export interface Dashboard {
  title: string;
  description: string;
  tags: string[];
  from: string;
  to: string;
  refresh: string;
  utc: boolean | null;
  sharedCrosshair: boolean;
  variables: Variable[];
  links: DashLink[];
  /** In reading order. */
  sections: Section[];
  /** What was found in the file and cannot be honoured. */
  problems: string[];
}

/** A row and what is in it; the first section may have no row of its own. */
export interface Section {
  row: { title: string; collapsed: boolean; repeat: string | null; id: number } | null;
  panels: Panel[];
}

export interface DashLink {
  title: string;
  url: string | null;
  tags: string[];
  newTab: boolean;
  keepTime: boolean;
  keepVars: boolean;
}

export type VariableKind = 'query' | 'custom' | 'interval' | 'textbox' | 'constant' | 'datasource';

export interface Variable {
  name: string;
  label: string;
  kind: VariableKind;
  hidden: boolean;
  /** The query, the list of choices, or the text. */
  query: string;
  regex: string;
  sort: number;
  multi: boolean;
  includeAll: boolean;
  allValue: string | null;
  /** Asked again when the time range changes. */
  followsTime: boolean;
  /** For intervals: offer "auto" with so many steps, at least so long. */
  auto: { count: number; min: string } | null;
  options: Choice[];
  current: string[] | null;
}

export interface Choice {
  text: string;
  value: string;
}

export type PanelKind = 'timeseries' | 'stat' | 'gauge' | 'bargauge' | 'table' | 'text' | 'heatmap' | 'piechart' | 'barchart' | 'statetimeline' | 'unsupported';

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Target {
  refId: string;
  expr: string;
  legend: string;
  instant: boolean;
  /** Both an instant and a range answer are asked for; the table panel takes the instant one. */
  format: 'time_series' | 'table' | 'heatmap';
  minStep: string;
  stepFactor: number;
  hidden: boolean;
  /** Why this target is not asked. */
  skip: string | null;
  /** `__expr__` of type math: the expression over other targets' refIds. */
  math: string | null;
}

export interface Panel {
  id: number;
  kind: PanelKind;
  title: string;
  description: string;
  transparent: boolean;
  box: Box;
  targets: Target[];
  minStep: string;
  maxPoints: number | null;
  timeFrom: string | null;
  timeShift: string | null;
  repeat: string | null;
  repeatVertical: boolean;
  maxPerRow: number;
  links: { title: string; url: string; newTab: boolean }[];
  defaults: FieldConfig;
  overrides: Override[];
  options: PanelOptions;
  transformations: Transformation[];
  /** Why it cannot be drawn, or what of it is not. */
  problems: string[];
}

export interface Transformation {
  id: string;
  options: Record<string, unknown>;
}

export interface ThresholdStep {
  /** -Infinity for the base. */
  value: number;
  color: string;
}

export interface Mapping {
  kind: 'value' | 'range' | 'regex' | 'special';
  match: string;
  from: number;
  to: number;
  text: string | null;
  color: string | null;
}

/** How a field looks; undefined means "not said here", so that overrides can be laid on top. */
export interface FieldConfig {
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  displayName?: string;
  noValue?: string;
  colorMode?: string;
  fixedColor?: string;
  seriesBy?: string;
  thresholdMode?: 'absolute' | 'percentage';
  thresholds?: ThresholdStep[];
  mappings?: Mapping[];
  links?: { title: string; url: string; newTab: boolean }[];
  // drawing
  draw?: 'line' | 'bars' | 'points';
  interpolation?: 'linear' | 'smooth' | 'stepAfter' | 'stepBefore';
  lineWidth?: number;
  fillOpacity?: number;
  gradient?: string;
  dash?: number[];
  points?: 'auto' | 'always' | 'never';
  pointSize?: number;
  spanNulls?: boolean | number;
  stackMode?: 'none' | 'normal' | 'percent';
  stackGroup?: string;
  negativeY?: boolean;
  constant?: boolean;
  axisSide?: 'auto' | 'left' | 'right' | 'hidden';
  axisLabel?: string;
  softMin?: number;
  softMax?: number;
  log?: 2 | 10 | 0;
  thresholdStyle?: string;
  hideFrom?: { legend: boolean; tooltip: boolean; viz: boolean };
  // tables
  hidden?: boolean;
  width?: number;
  align?: 'auto' | 'left' | 'center' | 'right';
  cell?: string;
}

export interface Override {
  matcher: { kind: string; value: unknown };
  config: FieldConfig;
}

export interface PanelOptions {
  legend: { mode: 'list' | 'table' | 'hidden'; placement: 'bottom' | 'right'; calcs: string[]; sortBy?: string; sortDesc?: boolean };
  tooltip: 'all' | 'single' | 'none';
  calc: string;
  /** Every row of every field instead of one value per field. */
  allValues: boolean;
  /** Regex or name of the fields taken into account; empty: the numbers. */
  fields: string;
  limit: number;
  colorBy: 'value' | 'background' | 'none';
  graph: boolean;
  text: 'auto' | 'value' | 'value_and_name' | 'name' | 'none';
  orientation: 'auto' | 'horizontal' | 'vertical';
  fillStyle: 'basic' | 'gradient' | 'lcd';
  prefix: string;
  postfix: string;
  showThresholdMarkers: boolean;
  content: string;
  contentMode: 'markdown' | 'html' | 'code';
  sortBy: { name: string; desc: boolean }[];
  footer: { show: boolean; calcs: string[]; fields: string[] };
  pieType: 'pie' | 'donut';
  /** Old tables: one row per series with these calculations. */
  seriesCalcs: string[] | null;
  /** Heatmap buckets come from the query as `le` series, each holding the count up to it. */
  yUnit: string;
}
