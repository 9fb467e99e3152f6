// Panels of older generations: graph, singlestat and the old table, read as today's kinds.
import { flag, list, number, object, objects, strings, text, type Json } from './json.ts';
import type { FieldConfig, Mapping, Override, Panel, PanelOptions, ThresholdStep } from './model.ts';
import { mappings, said, thresholdSteps } from './normalize-field.ts';

type Parts = Pick<Panel, 'kind' | 'defaults' | 'overrides' | 'options' | 'problems'>;

const CALCS: readonly (readonly [string, string])[] = [['min', 'min'], ['max', 'max'], ['avg', 'mean'], ['current', 'lastNotNull'], ['total', 'sum']];

function legend(raw: Json): PanelOptions['legend'] {
  const calcs = flag(raw['values']) ? CALCS.filter(([old]) => flag(raw[old])).map(([, now]) => now) : [];
  const sort = text(raw['sort']);
  return {
    mode: raw['show'] === false ? 'hidden' : flag(raw['alignAsTable']) ? 'table' : 'list',
    placement: flag(raw['rightSide']) ? 'right' : 'bottom',
    calcs,
    ...(sort ? { sortBy: CALCS.find(([old]) => old === sort)?.[1] ?? sort, sortDesc: flag(raw['sortDesc']) } : {}),
  };
}

/** Drawing settings of a graph panel or of one of its seriesOverrides: they share their names. */
function drawing(raw: Json, defaults: boolean): FieldConfig {
  const lines = raw['lines'] === undefined ? undefined : flag(raw['lines']);
  const bars = raw['bars'] === undefined ? undefined : flag(raw['bars']);
  const points = raw['points'] === undefined ? undefined : flag(raw['points']);
  const draw: FieldConfig['draw'] | undefined = bars ? 'bars' : lines === false && (points ?? defaults) ? 'points' : lines === true || (defaults && lines === undefined) ? 'line' : undefined;
  const fill = number(raw['fill']);
  const nulls = text(raw['nullPointMode']);
  const stack = raw['stack'];
  return said({
    draw,
    fillOpacity: fill === undefined ? undefined : draw === 'bars' ? Math.max(fill * 10, 50) : fill * 10,
    lineWidth: number(raw['linewidth']),
    points: points === undefined ? undefined : points && draw === 'line' ? 'always' : 'auto',
    pointSize: number(raw['pointradius']) === undefined ? undefined : number(raw['pointradius'])! * 2,
    interpolation: raw['steppedLine'] === undefined ? undefined : flag(raw['steppedLine']) ? 'stepAfter' : 'linear',
    spanNulls: nulls === 'connected' ? true : nulls ? false : undefined,
    dash: raw['dashes'] === undefined ? undefined : flag(raw['dashes']) ? [number(raw['dashLength']) ?? 10, number(raw['spaceLength']) ?? 10] : [],
    stackMode: stack === undefined ? undefined : stack === false ? 'none' : flag(raw['percentage']) ? 'percent' : 'normal',
    stackGroup: typeof stack === 'string' && stack !== 'true' ? stack : undefined,
    negativeY: raw['transform'] === undefined ? undefined : raw['transform'] === 'negative-Y',
    fixedColor: raw['color'] === undefined ? undefined : text(raw['color']),
    colorMode: raw['color'] === undefined ? undefined : 'fixed',
  } as FieldConfig);
}

function axis(raw: Json): FieldConfig {
  const log = number(raw['logBase']);
  return said({
    unit: raw['format'] === undefined ? undefined : text(raw['format']),
    min: number(raw['min']),
    max: number(raw['max']),
    decimals: number(raw['decimals']),
    axisLabel: raw['label'] ? text(raw['label']) : undefined,
    axisSide: raw['show'] === false ? 'hidden' : undefined,
    log: log === 2 || log === 10 || log === 32 || log === 1024 ? (log === 10 ? 10 : 2) : undefined,
  } as FieldConfig);
}

/** "/regex/" is a regular expression, anything else a name. */
function aliasMatcher(alias: string): Override['matcher'] {
  return /^\/.*\/[gimsuy]*$/.test(alias) ? { kind: 'byRegexp', value: alias } : { kind: 'byName', value: alias };
}

function graphThresholds(raw: unknown): FieldConfig {
  const marks = objects(raw).filter((t) => number(t['value']) !== undefined);
  if (marks.length === 0) return {};
  const tone: Record<string, string> = { critical: 'red', warning: 'orange', ok: 'green', custom: 'blue' };
  const steps: ThresholdStep[] = [{ value: -Infinity, color: 'transparent' }];
  for (const t of marks) steps.push({ value: number(t['value'])!, color: tone[text(t['colorMode'])] ?? text(t['lineColor'], 'red') });
  const areas = marks.some((t) => flag(t['fill']));
  return { thresholds: steps.sort((a, b) => a.value - b.value), thresholdMode: 'absolute', thresholdStyle: areas ? 'line+area' : 'line' };
}

export function fromGraph(p: Json, base: PanelOptions): Parts {
  const axes = objects(p['yaxes']).length ? objects(p['yaxes']) : [{ format: list(p['y_formats'])[0], ...object(p['grid']) }, { format: list(p['y_formats'])[1] }];
  const left = axis(axes[0] ?? {});
  const right = axis(axes[1] ?? {});
  // An axis limit belongs to the axis, and "hidden" of the left one must not hide series moved to the right.
  const defaults: FieldConfig = { unit: 'short', ...drawing(p, true), ...left, colorMode: 'palette-classic', ...graphThresholds(p['thresholds']) };
  const decimals = number(p['decimals']);
  if (decimals !== undefined) defaults.decimals = decimals;
  const out: Override[] = [];
  for (const [name, color] of Object.entries(object(p['aliasColors']))) {
    out.push({ matcher: { kind: 'byName', value: name }, config: { colorMode: 'fixed', fixedColor: text(color) } });
  }
  for (const o of objects(p['seriesOverrides'])) {
    const config = drawing(o, false);
    if (number(o['yaxis']) === 2) {
      Object.assign(config, { min: undefined, max: undefined, log: 0, axisLabel: undefined, ...right, axisSide: right.axisSide ?? 'right' });
    }
    const hide = { legend: o['legend'] === false, tooltip: false, viz: o['hiddenSeries'] === true };
    if (hide.legend || hide.viz) config.hideFrom = hide;
    out.push({ matcher: aliasMatcher(text(o['alias'])), config });
  }
  const tooltip = object(p['tooltip']);
  const problems = text(object(p['xaxis'])['mode']) === 'histogram' ? ['drawn over time: the histogram mode of the old graph panel is not supported'] : [];
  return {
    kind: 'timeseries',
    defaults,
    overrides: out,
    options: { ...base, legend: legend(object(p['legend'])), tooltip: tooltip['shared'] === false ? 'single' : 'all' },
    problems,
  };
}

const STAT_CALCS: Record<string, string> = { current: 'lastNotNull', avg: 'mean', min: 'min', max: 'max', total: 'sum', first: 'firstNotNull', delta: 'delta', diff: 'diff', range: 'range', name: 'lastNotNull', last_time: 'lastNotNull' };
const STAT_COLORS = ['#299c46', 'rgba(237, 129, 40, 0.89)', '#d44a3a'];

function statMappings(p: Json): Mapping[] {
  const values = objects(p['valueMaps']).map((m) => ({ op: '=', value: text(m['value']), text: text(m['text']) }));
  const ranges = objects(p['rangeMaps']).map((m) => ({ type: 2, from: m['from'], to: m['to'], text: m['text'] }));
  return mappings(number(p['mappingType']) === 2 ? ranges : values);
}

export function fromSinglestat(p: Json, base: PanelOptions): Parts {
  const gauge = object(p['gauge']);
  const colors = strings(p['colors']).length ? strings(p['colors']) : STAT_COLORS;
  const limits = text(p['thresholds']).split(',').map((t) => number(t)).filter((n): n is number => n !== undefined);
  const colored = flag(p['colorBackground']) || flag(p['colorValue']) || flag(gauge['show']);
  const steps = [-Infinity, ...limits].map((value, i) => ({ value, color: colored ? (colors[Math.min(i, colors.length - 1)] ?? 'green') : 'text' }));
  const kind = flag(gauge['show']) ? 'gauge' : 'stat';
  const nullText = text(p['nullText']);
  return {
    kind,
    defaults: said({
      unit: text(p['format'], 'none'),
      decimals: number(p['decimals']),
      thresholds: steps,
      thresholdMode: 'absolute',
      colorMode: 'thresholds',
      mappings: statMappings(p),
      noValue: nullText || undefined,
      ...(kind === 'gauge' ? { min: number(gauge['minValue']) ?? 0, max: number(gauge['maxValue']) ?? 100 } : {}),
    } as FieldConfig),
    overrides: [],
    options: {
      ...base,
      calc: STAT_CALCS[text(p['valueName'], 'avg')] ?? 'lastNotNull',
      colorBy: flag(p['colorBackground']) ? 'background' : flag(p['colorValue']) ? 'value' : 'none',
      graph: flag(object(p['sparkline'])['show']),
      text: p['valueName'] === 'name' ? 'name' : 'auto',
      prefix: text(p['prefix']),
      // Many repeat there what the unit says already.
      postfix: p['postfix'] === p['format'] ? '' : text(p['postfix']),
      showThresholdMarkers: flag(gauge['thresholdMarkers'], true),
    },
    problems: [],
  };
}

function styleConfig(s: Json): FieldConfig {
  const type = text(s['type']);
  const limits = list(s['thresholds']).map((t) => number(t)).filter((n): n is number => n !== undefined);
  const colors = strings(s['colors']);
  const mode = text(s['colorMode']);
  const steps = limits.length > 0 ? [-Infinity, ...limits].map((value, i) => ({ value, color: colors[i] ?? 'text' })) : undefined;
  return said({
    displayName: text(s['alias']) || undefined,
    hidden: type === 'hidden' ? true : undefined,
    unit: type === 'number' ? text(s['unit'], 'short') : type === 'date' ? 'dateTimeAsIso' : undefined,
    decimals: type === 'number' ? number(s['decimals']) : undefined,
    thresholds: steps,
    thresholdMode: steps ? 'absolute' : undefined,
    colorMode: steps && mode && mode !== 'null' ? 'thresholds' : undefined,
    cell: steps && mode ? (mode === 'value' ? 'color-text' : mode === 'cell' || mode === 'row' ? 'color-background-solid' : undefined) : undefined,
    mappings: [
      ...mappings(objects(s['valueMaps']).map((m) => ({ op: '=', ...m }))),
      ...mappings(objects(s['rangeMaps']).map((m) => ({ type: 2, ...m }))),
    ],
    links: text(s['linkUrl']) ? [{ title: text(s['linkTooltip']), url: text(s['linkUrl']), newTab: flag(s['linkTargetBlank']) }] : undefined,
  } as FieldConfig);
}

export function fromOldTable(p: Json, base: PanelOptions): Parts {
  const out: Override[] = [];
  // The first style that matches wins there; the last override wins here.
  for (const s of objects(p['styles']).reverse()) {
    const pattern = text(s['pattern']);
    const config = styleConfig(s);
    if (pattern === '/.*/' || pattern === '') delete config.displayName;
    out.push({ matcher: aliasMatcher(pattern), config });
  }
  const sort = object(p['sort']);
  const transform = text(p['transform']);
  const columns = objects(p['columns']).map((c) => text(c['value'])).filter((c) => c !== '');
  const seriesCalcs = transform === 'timeseries_aggregations' ? (columns.length ? columns : ['avg']).map((c) => STAT_CALCS[c] ?? c) : null;
  return {
    kind: 'table',
    defaults: {},
    overrides: out,
    options: { ...base, seriesCalcs, sortBy: number(sort['col']) !== undefined ? [{ name: `#${number(sort['col'])}`, desc: flag(sort['desc']) }] : [] },
    problems: ['json', 'annotations'].includes(transform) ? [`the old table's "${transform}" transform is not supported`] : [],
  };
}

/** The gauge panel of Grafana 6: settings under `options.fieldOptions`. */
export function fromFieldOptions(options: Json): { defaults: Json; overrides: unknown; calcs: string[]; values: boolean } | null {
  const old = options['fieldOptions'];
  if (old !== undefined) {
    const o = object(old);
    const defaults = { ...object(o['defaults']) };
    if (o['mappings'] !== undefined && defaults['mappings'] === undefined) defaults['mappings'] = o['mappings'];
    if (Array.isArray(o['thresholds']) && defaults['thresholds'] === undefined) {
      defaults['thresholds'] = { mode: 'absolute', steps: objects(o['thresholds']).map((t, i) => ({ ...t, value: i === 0 ? null : t['value'] })) };
    }
    return { defaults, overrides: o['override'] ? [] : o['overrides'], calcs: strings(o['calcs']), values: flag(o['values']) };
  }
  const valueOptions = options['valueOptions'];
  if (valueOptions === undefined) return null;
  const v = object(valueOptions);
  const steps = thresholdSteps(objects(options['thresholds']).map((t) => (t['index'] === 0 ? { ...t, value: null } : t)));
  return {
    defaults: {
      unit: v['unit'],
      decimals: v['decimals'],
      min: options['minValue'],
      max: options['maxValue'],
      mappings: options['valueMappings'],
      thresholds: { mode: 'absolute', steps: steps.map((s) => ({ ...s, value: Number.isFinite(s.value) ? s.value : null })) },
    },
    overrides: [],
    calcs: strings([v['stat']]),
    values: false,
  };
}
