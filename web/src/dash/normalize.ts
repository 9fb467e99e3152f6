// Grafana's dashboard JSON, of any generation and in any wrapper, to our model. It never throws on
// a JSON value: what cannot be honoured is named in `problems`, on the panel where it stands.
import { flag, isObject, list, number, object, objects, strings, text, type Json } from './json.ts';
import type { Choice, Dashboard, DashLink, Panel, Section, Variable, VariableKind } from './model.ts';
import { panel } from './normalize-panel.ts';
import { classic, isV2 } from './normalize-v2.ts';

const MOST_PANELS = 2000;

/** The dashboard inside API answers, resources and exports. */
export function unwrap(raw: unknown): Json {
  const o = object(raw);
  if (isObject(o['dashboard']) && !Array.isArray(o['panels'])) return o['dashboard'];
  if (isObject(o['spec']) && (o['apiVersion'] !== undefined || o['kind'] !== undefined)) {
    return typeof o['spec']['json'] === 'string' ? object(parseQuietly(o['spec']['json'])) : o['spec'];
  }
  return o;
}

function parseQuietly(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return null;
  }
}

/** `${VAR_X}` of an export's constant inputs, replaced by what the file gives for it. */
function constants(dashboard: Json): Map<string, string> {
  return new Map(objects(dashboard['__inputs']).filter((i) => i['type'] === 'constant').map((i) => [text(i['name']), text(i['value'])]));
}

const withConstants = (value: string, inputs: Map<string, string>): string => value.replace(/\$\{(\w+)\}/g, (all, name: string) => inputs.get(name) ?? all);

const KINDS: Record<string, VariableKind> = { query: 'query', custom: 'custom', interval: 'interval', textbox: 'textbox', constant: 'constant', datasource: 'datasource' };

function choices(raw: unknown): Choice[] {
  return objects(raw)
    .map((o) => ({ text: text(o['text']), value: text(o['value']) }))
    .filter((o) => o.value !== '$__all' && o.value !== '');
}

function queryText(raw: unknown): string {
  if (typeof raw === 'string') return raw;
  const q = object(raw);
  return text(q['query'] ?? q['expr']);
}

function variable(v: Json, inputs: Map<string, string>): Variable | null {
  const kind = KINDS[text(v['type'])];
  if (kind === undefined) return null;
  const current = object(v['current'])['value'];
  const chosen = (Array.isArray(current) ? strings(current) : text(current) ? [text(current)] : []).map((c) => withConstants(c, inputs));
  const query = withConstants(queryText(v['query']) || text(v['definition']), inputs);
  return {
    name: text(v['name']),
    label: text(v['label']),
    kind,
    hidden: number(v['hide']) === 2 || kind === 'datasource' || kind === 'constant' || v['hide'] === 'hideVariable',
    query,
    regex: text(v['regex']),
    sort: number(v['sort']) ?? 0,
    multi: flag(v['multi']),
    includeAll: flag(v['includeAll']),
    allValue: text(v['allValue']) || null,
    followsTime: number(v['refresh']) === 2,
    auto: flag(v['auto']) ? { count: number(v['auto_count']) ?? 30, min: text(v['auto_min'], '10s') } : null,
    options: choices(v['options']),
    current: chosen.length > 0 && kind !== 'datasource' ? chosen : null,
  };
}

function dashLink(l: Json): DashLink {
  return {
    title: text(l['title']),
    url: l['type'] === 'dashboards' ? null : text(l['url']) || null,
    tags: strings(l['tags']),
    newTab: flag(l['targetBlank']),
    keepTime: flag(l['keepTime']),
    keepVars: flag(l['includeVars']),
  };
}

/** Panels of one old-style row, laid out in twelve columns of `span`, wrapping as they fill up. */
function spanned(row: Json, top: number, nextId: () => number): { panels: Panel[]; bottom: number } {
  const rowHeight = heightUnits(row['height'], 7);
  const panels: Panel[] = [];
  let [x, y, tallest] = [0, top, 0];
  for (const raw of objects(row['panels'])) {
    const p = panel(raw, nextId());
    const w = Math.round(Math.min(Math.max(number(raw['span']) ?? 12, 1), 12) * 2);
    const h = heightUnits(raw['height'], rowHeight);
    if (x + w > 24) {
      [x, y, tallest] = [0, y + tallest, 0];
    }
    p.box = { x, y, w, h };
    panels.push(p);
    x += w;
    tallest = Math.max(tallest, h);
  }
  return { panels, bottom: y + tallest };
}

/** "250px" or 250 to grid units of 38 px (30 and a gap of 8). */
function heightUnits(raw: unknown, fallback: number): number {
  const px = number(typeof raw === 'string' ? raw.replace(/px$/, '') : raw);
  return px === undefined ? fallback : Math.min(Math.max(Math.ceil((px + 8) / 38), 2), 60);
}

function oldRows(dashboard: Json, nextId: () => number): Section[] {
  let top = 0;
  return objects(dashboard['rows']).map((r) => {
    const { panels, bottom } = spanned(r, top, nextId);
    top = bottom;
    const named = flag(r['showTitle']) || flag(r['collapse']);
    return { row: named ? { title: text(r['title']), collapsed: flag(r['collapse']), repeat: text(r['repeat']) || null, id: nextId() } : null, panels };
  });
}

/** Panels stand in reading order; a row takes what follows it, or what it holds when collapsed. */
function gridSections(dashboard: Json, nextId: () => number): Section[] {
  const sections: Section[] = [{ row: null, panels: [] }];
  const raw = objects(dashboard['panels']);
  const y = (p: Json): number => number(object(p['gridPos'])['y']) ?? 0;
  const x = (p: Json): number => number(object(p['gridPos'])['x']) ?? 0;
  const ordered = raw.map((p, i) => ({ p, i })).sort((a, b) => y(a.p) - y(b.p) || x(a.p) - x(b.p) || a.i - b.i);
  for (const { p } of ordered) {
    if (p['type'] !== 'row') {
      sections.at(-1)!.panels.push(panel(p, nextId()));
      continue;
    }
    const inside = objects(p['panels']).map((q) => panel(q, nextId()));
    sections.push({ row: { title: text(p['title']), collapsed: flag(p['collapsed']), repeat: text(p['repeat']) || null, id: number(p['id']) ?? nextId() }, panels: inside });
  }
  return sections.filter((s) => s.row !== null || s.panels.length > 0);
}

function sectionsOf(dashboard: Json): Section[] {
  let id = 100_000;
  const nextId = (): number => id++;
  const sections = objects(dashboard['rows']).length > 0 ? oldRows(dashboard, nextId) : gridSections(dashboard, nextId);
  let left = MOST_PANELS;
  for (const s of sections) {
    s.panels = s.panels.slice(0, Math.max(left, 0));
    left -= s.panels.length;
  }
  return sections;
}

function problemsOf(dashboard: Json): string[] {
  const out: string[] = [];
  const adhoc = objects(object(dashboard['templating'])['list']).filter((v) => KINDS[text(v['type'])] === undefined);
  for (const v of adhoc) out.push(`Variable "${text(v['name'])}" is of type "${text(v['type'])}", which promlet does not offer.`);
  const marks = objects(object(dashboard['annotations'])['list']).filter((a) => !flag(a['builtIn']) && number(a['builtIn']) !== 1 && a['enable'] !== false && text(a['expr']));
  if (marks.length > 0) out.push(`${marks.length === 1 ? 'One annotation query is' : `${marks.length} annotation queries are`} not drawn.`);
  return out;
}

export function normalize(raw: unknown): Dashboard {
  const inside = unwrap(raw);
  const d = isV2(inside) ? classic(inside) : inside;
  const inputs = constants(d);
  const time = object(d['time']);
  const zone = text(d['timezone']);
  const refresh = d['refresh'];
  const variables = objects(object(d['templating'])['list']).map((v) => variable(v, inputs));
  return {
    title: text(d['title'], 'Untitled'),
    description: text(d['description']),
    tags: strings(d['tags']),
    from: text(time['from'], 'now-1h'),
    to: text(time['to'], 'now'),
    refresh: typeof refresh === 'string' ? refresh : '',
    utc: zone === 'utc' ? true : null,
    sharedCrosshair: (number(d['graphTooltip']) ?? (flag(d['sharedCrosshair']) ? 1 : 0)) > 0,
    variables: variables.filter((v): v is Variable => v !== null && v.name !== ''),
    links: list(d['links']).filter(isObject).map(dashLink),
    sections: sectionsOf(d),
    problems: problemsOf(d),
  };
}
