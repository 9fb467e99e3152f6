// One panel of any generation to our model.
import { canonicalCalc } from '../core/reduce.ts';
import { flag, isObject, number, object, objects, oneOf, strings, text, type Json } from './json.ts';
import type { Box, Panel, PanelKind, PanelOptions, Target, Transformation } from './model.ts';
import { fieldConfig, links, overrides } from './normalize-field.ts';
import { fromFieldOptions, fromGraph, fromOldTable, fromSinglestat } from './normalize-legacy.ts';

export const DEFAULT_OPTIONS: PanelOptions = {
  legend: { mode: 'list', placement: 'bottom', calcs: [] },
  tooltip: 'all',
  calc: 'lastNotNull',
  allValues: false,
  fields: '',
  limit: 25,
  colorBy: 'value',
  graph: false,
  text: 'auto',
  orientation: 'auto',
  fillStyle: 'gradient',
  prefix: '',
  postfix: '',
  showThresholdMarkers: true,
  content: '',
  contentMode: 'markdown',
  sortBy: [],
  footer: { show: false, calcs: [], fields: [] },
  pieType: 'pie',
  seriesCalcs: null,
  yUnit: 'short',
};

const KINDS: Record<string, PanelKind> = {
  timeseries: 'timeseries',
  stat: 'stat',
  gauge: 'gauge',
  bargauge: 'bargauge',
  table: 'table',
  text: 'text',
  heatmap: 'heatmap',
  piechart: 'piechart',
  'grafana-piechart-panel': 'piechart',
  barchart: 'barchart',
  'state-timeline': 'statetimeline',
  'status-history': 'statetimeline',
};

/** Data sources that hold no metrics: their queries cannot be answered here. */
const FOREIGN = new Set(['loki', 'elasticsearch', 'opensearch', 'influxdb', 'graphite', 'mysql', 'postgres', 'mssql', 'tempo', 'jaeger', 'zipkin', 'cloudwatch', 'testdata', 'grafana-clickhouse-datasource', 'vertamedia-clickhouse-datasource', 'yesoreyeram-infinity-datasource', 'grafana-testdata-datasource', 'stackdriver', 'azuremonitor', 'datadog', 'pyroscope', 'parca']);

function sourceType(raw: unknown): string {
  return isObject(raw) ? text(raw['type']) || text(raw['uid']) : text(raw);
}

function target(raw: Json, index: number, panelSource: string): Target {
  const refId = text(raw['refId']) || String.fromCharCode(65 + (index % 26));
  const own = sourceType(raw['datasource']) || panelSource;
  const isMath = own === '__expr__' && raw['type'] === 'math';
  const foreign = FOREIGN.has(own.toLowerCase());
  const expr = text(raw['expr'] ?? (own === '__expr__' ? '' : raw['query']));
  let skip: string | null = null;
  if (foreign) skip = `query ${refId} asks ${own}, which promlet does not have`;
  else if (own === '-- Dashboard --') skip = `query ${refId} takes its data from another panel, which is not supported`;
  else if (own === '__expr__' && !isMath) skip = `query ${refId} is a "${text(raw['type'])}" expression of Grafana, which is not supported`;
  else if (own === '-- Grafana --' || own === 'grafana') skip = `query ${refId} asks Grafana itself`;
  else if (!isMath && expr.trim() === '') skip = 'empty';
  const format = text(raw['format']);
  return {
    refId,
    expr,
    legend: text(raw['legendFormat'], '__auto'),
    instant: flag(raw['instant']) && !(flag(raw['range']) && format !== 'table'),
    format: format === 'table' || format === 'heatmap' ? format : 'time_series',
    // The old "step" is what some browser once calculated, not a wish: only "interval" counts.
    minStep: text(raw['interval']),
    stepFactor: Math.min(Math.max(number(raw['intervalFactor']) ?? 1, 1), 100),
    hidden: flag(raw['hide']),
    skip,
    math: isMath ? text(raw['expression']) : null,
  };
}

function legendOptions(raw: Json): PanelOptions['legend'] {
  const mode = text(raw['displayMode'], 'list');
  const sortBy = text(raw['sortBy']);
  return {
    mode: raw['showLegend'] === false || mode === 'hidden' ? 'hidden' : mode === 'table' ? 'table' : 'list',
    placement: raw['placement'] === 'right' ? 'right' : 'bottom',
    calcs: strings(raw['calcs']).map(canonicalCalc),
    ...(sortBy ? { sortBy, sortDesc: flag(raw['sortDesc']) } : {}),
  };
}

function modernOptions(o: Json, kind: PanelKind): PanelOptions {
  const reduceOptions = object(o['reduceOptions']);
  const footer = object(o['footer']);
  const tooltip = text(object(o['tooltip'])['mode'], kind === 'timeseries' ? 'single' : 'all');
  return {
    ...DEFAULT_OPTIONS,
    legend: legendOptions(object(o['legend'])),
    tooltip: tooltip === 'none' ? 'none' : tooltip === 'single' ? 'single' : 'all',
    calc: canonicalCalc(strings(reduceOptions['calcs'])[0] ?? 'lastNotNull'),
    // A bar chart draws a bar per row.
    allValues: flag(reduceOptions['values']) || kind === 'barchart',
    fields: text(reduceOptions['fields']),
    limit: number(reduceOptions['limit']) ?? (kind === 'barchart' ? 100 : DEFAULT_OPTIONS.limit),
    colorBy: o['colorMode'] === 'none' ? 'none' : text(o['colorMode']).startsWith('background') ? 'background' : 'value',
    graph: o['graphMode'] === undefined ? kind === 'stat' : o['graphMode'] !== 'none',
    text: oneOf(o['textMode'], ['auto', 'value', 'value_and_name', 'name', 'none'], 'auto'),
    orientation: oneOf(o['orientation'], ['auto', 'horizontal', 'vertical'], 'auto'),
    fillStyle: oneOf(o['displayMode'], ['basic', 'gradient', 'lcd'], 'gradient'),
    showThresholdMarkers: flag(o['showThresholdMarkers'], true),
    content: text(o['content']),
    contentMode: oneOf(o['mode'], ['markdown', 'html', 'code'], 'markdown'),
    sortBy: objects(o['sortBy']).map((s) => ({ name: text(s['displayName']), desc: flag(s['desc']) })),
    footer: { show: flag(footer['show']), calcs: strings(footer['reducer']).map(canonicalCalc), fields: strings(footer['fields']) },
    pieType: o['pieType'] === 'donut' ? 'donut' : 'pie',
    yUnit: text(object(o['yAxis'])['unit'], 'short'),
  };
}

export function gridBox(raw: unknown): Box | null {
  const g = object(raw);
  const [x, y, w, h] = [number(g['x']), number(g['y']), number(g['w']), number(g['h'])];
  if (w === undefined || h === undefined) return null;
  return { x: Math.min(Math.max(x ?? 0, 0), 23), y: Math.max(y ?? 0, 0), w: Math.min(Math.max(w, 1), 24), h: Math.min(Math.max(h, 1), 200) };
}

type Parts = Pick<Panel, 'kind' | 'defaults' | 'overrides' | 'options' | 'problems'>;

function modern(p: Json, kind: PanelKind): Parts {
  const options = object(p['options']);
  const old = fromFieldOptions(options);
  const config = object(p['fieldConfig']);
  const parsed = modernOptions(options, kind);
  if (old) {
    parsed.calc = canonicalCalc(old.calcs[0] ?? 'mean');
    parsed.allValues = old.values;
  }
  if (kind === 'text') {
    parsed.content = text(options['content'] ?? p['content']);
    parsed.contentMode = oneOf(options['mode'] ?? p['mode'], ['markdown', 'html', 'code'], 'markdown');
  }
  return {
    kind,
    defaults: fieldConfig(old ? old.defaults : config['defaults']),
    overrides: overrides(old ? old.overrides : config['overrides']),
    options: parsed,
    problems: [],
  };
}

function parts(p: Json): Parts {
  const type = text(p['type']);
  const isOldTable = (type === 'table' && Array.isArray(p['styles']) && !isObject(p['fieldConfig'])) || type === 'table-old';
  if (isOldTable) return fromOldTable(p, DEFAULT_OPTIONS);
  if (type === 'graph') return fromGraph(p, DEFAULT_OPTIONS);
  if (type === 'singlestat' || type === 'grafana-singlestat-panel') return fromSinglestat(p, DEFAULT_OPTIONS);
  const kind = KINDS[type];
  if (kind === undefined) {
    const reason = type === '' ? 'the panel names no type' : `promlet does not draw panels of type "${type}"`;
    return { kind: 'unsupported', defaults: {}, overrides: [], options: DEFAULT_OPTIONS, problems: [reason] };
  }
  return modern(p, kind);
}

function transformations(p: Json, made: Parts): Transformation[] {
  // The old table put the answers of all its queries into one.
  if (made.kind === 'table' && Array.isArray(p['styles']) && made.options.seriesCalcs === null) return [{ id: 'merge', options: {} }];
  return objects(p['transformations'])
    .filter((t) => !flag(t['disabled']))
    .map((t) => ({ id: text(t['id']), options: object(t['options']) }));
}

export function panel(p: Json, fallbackId: number): Panel {
  const made = parts(p);
  const source = sourceType(p['datasource']);
  const targets = objects(p['targets']).map((t, i) => target(t, i, source));
  const skipped = targets.map((t) => t.skip).filter((s): s is string => s !== null && s !== 'empty');
  const library = isObject(p['libraryPanel']) && made.kind === 'unsupported' ? ['it is a library panel: its definition is not in this file'] : [];
  return {
    ...made,
    id: number(p['id']) ?? fallbackId,
    title: text(p['title']),
    description: text(p['description']),
    transparent: flag(p['transparent']),
    box: gridBox(p['gridPos']) ?? { x: 0, y: 0, w: 12, h: 8 },
    targets: targets.filter((t) => t.skip === null),
    minStep: text(p['interval']),
    maxPoints: number(p['maxDataPoints']) ?? null,
    timeFrom: text(p['timeFrom']) || null,
    timeShift: text(p['timeShift']) || null,
    repeat: text(p['repeat']) || null,
    repeatVertical: p['repeatDirection'] === 'v',
    maxPerRow: number(p['maxPerRow']) ?? (number(p['minSpan']) ? Math.max(1, Math.floor(12 / number(p['minSpan'])!)) : 4),
    links: links(p['links']),
    transformations: transformations(p, made),
    problems: [...library, ...made.problems, ...skipped],
  };
}
