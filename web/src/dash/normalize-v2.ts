// Grafana's schema v2 (elements and layouts) rewritten as the classic form, which the normaliser reads.
import { flag, isObject, number, object, objects, text, type Json } from './json.ts';

const VARIABLE_KINDS: Record<string, string> = {
  QueryVariable: 'query',
  CustomVariable: 'custom',
  IntervalVariable: 'interval',
  TextVariable: 'textbox',
  ConstantVariable: 'constant',
  DatasourceVariable: 'datasource',
  AdhocVariable: 'adhoc',
  GroupByVariable: 'groupby',
  SwitchVariable: 'custom',
};
const SORTS = ['disabled', 'alphabeticalAsc', 'alphabeticalDesc', 'numericalAsc', 'numericalDesc', 'alphabeticalCaseInsensitiveAsc', 'alphabeticalCaseInsensitiveDesc', 'naturalAsc', 'naturalDesc'];
const AUTO_COLUMNS = 3;
const AUTO_HEIGHT = 8;
const MOST_DEPTH = 8;

export const isV2 = (d: Json): boolean => isObject(d['elements']) && isObject(d['layout']);

/** The kind of a query, panel or transformation: `group` since v2beta1, `kind` before. */
const groupOf = (o: Json): string => text(o['group']) || text(o['kind']);

function query(raw: Json): Json {
  const spec = object(raw['spec']);
  const inner = object(spec['query']);
  return { ...object(inner['spec']), refId: spec['refId'], hide: spec['hidden'], datasource: { type: groupOf(inner) } };
}

function panel(element: Json): Json {
  const spec = object(element['spec']);
  const data = object(object(spec['data'])['spec']);
  const viz = object(spec['vizConfig']);
  const vizSpec = object(viz['spec']);
  const options = object(data['queryOptions']);
  return {
    id: spec['id'],
    title: spec['title'],
    description: spec['description'],
    links: spec['links'],
    transparent: spec['transparent'],
    type: element['kind'] === 'LibraryPanel' ? 'library-panel-ref' : groupOf(viz),
    ...(element['kind'] === 'LibraryPanel' ? { libraryPanel: {} } : {}),
    options: vizSpec['options'],
    fieldConfig: vizSpec['fieldConfig'],
    targets: objects(data['queries']).map(query),
    transformations: objects(data['transformations']).map((t) => ({ id: text(object(t['spec'])['id']) || groupOf(t), ...object(t['spec']) })),
    interval: options['interval'],
    maxDataPoints: options['maxDataPoints'],
    timeFrom: options['timeFrom'],
    timeShift: options['timeShift'],
  };
}

function repeatOf(raw: unknown): Json {
  const r = object(raw);
  if (r['mode'] !== 'variable') return {};
  return { repeat: r['value'], repeatDirection: r['direction'], maxPerRow: r['maxPerRow'] };
}

/** A row heading as a classic row panel; what follows it belongs to it. */
const heading = (title: string, y: number, collapsed: boolean, repeat: unknown, panels: Json[]): Json[] => [
  { type: 'row', title, collapsed, ...repeatOf(repeat), gridPos: { x: 0, y, w: 24, h: 1 }, panels: collapsed ? panels : [] },
  ...(collapsed ? [] : panels),
];

const bottomOf = (panels: readonly Json[], y: number): number => panels.reduce((low, p) => Math.max(low, (number(object(p['gridPos'])['y']) ?? 0) + (number(object(p['gridPos'])['h']) ?? 1)), y);

/** Panels of a layout, top down from `y`. Tabs become rows, one under the other. */
function laidOut(layout: Json, elements: Json, y: number, depth: number): Json[] {
  const spec = object(layout['spec']);
  const named = (item: Json): Json => panel(object(elements[text(object(item['element'])['name'])]));
  if (depth > MOST_DEPTH) return [];
  if (layout['kind'] === 'RowsLayout' || layout['kind'] === 'TabsLayout') {
    const out: Json[] = [];
    let top = y;
    for (const group of objects(spec['rows'] ?? spec['tabs'])) {
      const inner = object(group['spec']);
      const panels = laidOut(object(inner['layout']), elements, top + 1, depth + 1);
      const hidden = flag(inner['hideHeader']);
      out.push(...(hidden ? panels : heading(text(inner['title']), top, flag(inner['collapse']), inner['repeat'], panels)));
      top = bottomOf(panels, top + 1);
    }
    return out;
  }
  if (layout['kind'] === 'AutoGridLayout') {
    const columns = Math.min(Math.max(number(spec['maxColumnCount']) ?? AUTO_COLUMNS, 1), 6);
    const w = Math.floor(24 / columns);
    return objects(spec['items']).map((item, i) => ({
      ...named(object(item['spec'])),
      ...repeatOf(object(item['spec'])['repeat']),
      gridPos: { x: (i % columns) * w, y: y + Math.floor(i / columns) * AUTO_HEIGHT, w, h: AUTO_HEIGHT },
    }));
  }
  return objects(spec['items']).map((raw) => {
    const item = object(raw['spec']);
    return { ...named(item), ...repeatOf(item['repeat']), gridPos: { x: item['x'], y: y + (number(item['y']) ?? 0), w: item['width'], h: item['height'] } };
  });
}

function variable(raw: Json): Json {
  const spec = object(raw['spec']);
  const inner = object(object(spec['query'])['spec']);
  const asked = isObject(spec['query']) ? (inner['query'] ?? inner['__legacyStringValue'] ?? inner['expr']) : spec['query'];
  return {
    ...spec,
    type: VARIABLE_KINDS[text(raw['kind'])] ?? text(raw['kind']),
    query: asked ?? spec['definition'],
    sort: Math.max(SORTS.indexOf(text(spec['sort'])), 0),
    refresh: spec['refresh'] === 'onTimeRangeChanged' ? 2 : 1,
    hide: spec['hide'] === 'hideVariable' ? 2 : 0,
  };
}

/** The classic form of a v2 dashboard. */
export function classic(d: Json): Json {
  const time = object(d['timeSettings']);
  return {
    title: d['title'],
    description: d['description'],
    tags: d['tags'],
    links: d['links'],
    time: { from: time['from'], to: time['to'] },
    refresh: time['autoRefresh'],
    timezone: time['timezone'],
    graphTooltip: d['cursorSync'] === 'Off' || d['cursorSync'] === undefined ? 0 : 1,
    templating: { list: objects(d['variables']).map(variable) },
    panels: laidOut(object(d['layout']), object(d['elements']), 0, 0),
  };
}
