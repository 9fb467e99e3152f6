// Dashboards: every file of the corpus opens, and what decides fidelity is held by small cases.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { legendText, toFrames, type Field, type Frame } from '../../src/dash/frames.ts';
import { builtins, intoExpression, intoText, joinScopes, single, type Bound } from '../../src/dash/interpolate.ts';
import { place } from '../../src/dash/layout.ts';
import { evaluateMath } from '../../src/dash/math.ts';
import type { Dashboard, Panel, Target } from '../../src/dash/model.ts';
import { normalize } from '../../src/dash/normalize.ts';
import { configOf, display, mapped, nameUnder } from '../../src/dash/resolve.ts';
import { transform } from '../../src/dash/transform.ts';
import { byRegex, customChoices, ordered } from '../../src/dash/variables.ts';

const root = process.env['WEB_ROOT']!;
const NO_SCOPE = new Map<string, Bound>();

const panelsOf = (d: Dashboard): Panel[] => d.sections.flatMap((s) => s.panels);

/** Counts panel objects of the file by itself, rows aside, in whatever generation it is. */
function countPanels(raw: unknown): number {
  const d = raw as { panels?: unknown[]; rows?: { panels?: unknown[] }[] };
  const count = (list: unknown[] | undefined): number =>
    (list ?? []).reduce<number>((n, p) => {
      const q = p as { type?: string; panels?: unknown[] };
      return n + (q.type === 'row' ? 0 : 1) + count(q.panels);
    }, 0);
  return count(d.panels) + (d.rows ?? []).reduce((n, r) => n + count(r.panels), 0);
}

for (const folder of ['../dashboards', '../../shared/corpus/dashboards']) {
  const path = join(root, folder);
  if (!existsSync(path)) continue;
  for (const file of readdirSync(path).filter((n) => n.endsWith('.json'))) {
    test(`${folder}/${file} opens with every panel drawn`, () => {
      const raw = JSON.parse(readFileSync(join(path, file), 'utf8')) as unknown;
      const d = normalize(raw);
      const panels = panelsOf(d);
      assert.ok(d.title.length > 0);
      assert.equal(panels.length, countPanels(raw), 'no panel is lost');
      assert.deepEqual(panels.filter((p) => p.kind === 'unsupported').map((p) => [p.title, p.problems]), []);
      for (const p of panels) {
        assert.ok(p.box.w >= 1 && p.box.x + p.box.w <= 24 && p.box.h >= 1, `${p.title}: ${JSON.stringify(p.box)}`);
        if (p.kind !== 'text') assert.ok(p.targets.length > 0, `${p.title} asks something`);
        for (const t of p.targets) assert.ok(t.expr.trim().length > 0);
      }
      const placed = place(d.sections, NO_SCOPE).flatMap((s) => s.panels.map((p) => ({ ...p, section: s.key })));
      for (const a of placed) {
        for (const b of placed) {
          const apart = a === b || a.section !== b.section || a.box.x >= b.box.x + b.box.w || b.box.x >= a.box.x + a.box.w || a.box.y >= b.box.y + b.box.h || b.box.y >= a.box.y + a.box.h;
          assert.ok(apart, `${a.panel.title} overlaps ${b.panel.title}`);
        }
      }
    });
  }
}

test('no JSON value makes the normaliser throw', () => {
  const odd: unknown[] = [null, 1, 'x', [], {}, { panels: 5 }, { panels: [null, 1, {}, { type: 'graph' }, { type: 'row' }, { type: 7, targets: 'no' }] }, { rows: [{ panels: [{ type: 'singlestat', thresholds: 3 }] }] }];
  odd.push({ panels: [{ type: 'table', styles: [1, {}], sort: 'x' }, { type: 'timeseries', fieldConfig: { defaults: { thresholds: { steps: 'x' }, mappings: [{ type: 'value' }] }, overrides: [{}] } }] });
  odd.push({ templating: { list: [{}, { type: 'query', query: { query: 5 } }, { type: 'custom', current: { value: [1, null] } }] }, time: 5, links: 'x' });
  for (const raw of odd) assert.doesNotThrow(() => place(normalize(raw).sections, NO_SCOPE));
});

test('wrapped forms open', () => {
  const inner = { title: 'T', panels: [{ type: 'stat', title: 's', targets: [{ expr: 'up' }] }] };
  for (const raw of [inner, { dashboard: inner, meta: {} }, { apiVersion: 'dashboard.grafana.app/v1beta1', kind: 'Dashboard', spec: inner }, { kind: 'GrafanaDashboard', spec: { json: JSON.stringify(inner) } }]) {
    assert.equal(normalize(raw).title, 'T');
    assert.equal(panelsOf(normalize(raw)).length, 1);
  }
});

test('schema v2 opens: grids, rows, automatic grids, variables', () => {
  const element = (id: number, title: string): unknown => ({
    kind: 'Panel',
    spec: {
      id,
      title,
      data: { kind: 'QueryGroup', spec: { queries: [{ kind: 'PanelQuery', spec: { refId: 'A', hidden: false, query: { kind: 'DataQuery', group: 'prometheus', spec: { expr: 'up', legendFormat: '{{job}}' } } } }], transformations: [{ kind: 'Transformation', group: 'organize', spec: { id: 'organize', options: {} } }], queryOptions: { interval: '30s' } } },
      vizConfig: { kind: 'VizConfig', group: 'stat', spec: { options: { colorMode: 'background' }, fieldConfig: { defaults: { unit: 'bytes' }, overrides: [] } } },
    },
  });
  const ref = (name: string): unknown => ({ kind: 'ElementReference', name });
  const spec = {
    title: 'Two',
    elements: { a: element(1, 'A'), b: element(2, 'B'), c: element(3, 'C') },
    layout: {
      kind: 'RowsLayout',
      spec: {
        rows: [
          { kind: 'RowsLayoutRow', spec: { title: 'first', layout: { kind: 'GridLayout', spec: { items: [{ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 12, height: 8, element: ref('a') } }] } } } },
          { kind: 'RowsLayoutRow', spec: { title: 'second', collapse: true, layout: { kind: 'AutoGridLayout', spec: { maxColumnCount: 2, items: [{ kind: 'AutoGridLayoutItem', spec: { element: ref('b') } }, { kind: 'AutoGridLayoutItem', spec: { element: ref('c') } }] } } } },
        ],
      },
    },
    variables: [{ kind: 'QueryVariable', spec: { name: 'job', query: { kind: 'DataQuery', spec: { query: 'label_values(up, job)' } }, sort: 'alphabeticalAsc', refresh: 'onTimeRangeChanged', multi: true } }],
    timeSettings: { from: 'now-3h', to: 'now', autoRefresh: '1m' },
    cursorSync: 'Crosshair',
  };
  const d = normalize({ apiVersion: 'dashboard.grafana.app/v2beta1', kind: 'Dashboard', metadata: { name: 'x' }, spec });
  assert.deepEqual([d.title, d.from, d.refresh, d.sharedCrosshair, d.problems], ['Two', 'now-3h', '1m', true, []]);
  assert.deepEqual(d.sections.map((s) => [s.row?.title, s.row?.collapsed, s.panels.map((p) => [p.title, p.box.x, p.box.w])]), [
    ['first', false, [['A', 0, 12]]],
    ['second', true, [['B', 0, 12], ['C', 12, 12]]],
  ]);
  const [a] = panelsOf(d);
  assert.deepEqual([a!.kind, a!.defaults.unit, a!.options.colorBy, a!.minStep, a!.targets[0]!.expr, a!.transformations[0]!.id], ['stat', 'bytes', 'background', '30s', 'up', 'organize']);
  assert.deepEqual(d.variables.map((v) => [v.name, v.kind, v.query, v.sort, v.followsTime, v.multi]), [['job', 'query', 'label_values(up, job)', 1, true, true]]);
});

test('a panel of a strange kind says so, with its reason', () => {
  const [p] = panelsOf(normalize({ panels: [{ type: 'geomap', title: 'where' }] }));
  assert.equal(p!.kind, 'unsupported');
  assert.match(p!.problems[0]!, /geomap/);
  const [q] = panelsOf(normalize({ panels: [{ type: 'timeseries', datasource: { type: 'loki' }, targets: [{ expr: '{a="b"}', refId: 'A' }] }] }));
  assert.equal(q!.targets.length, 0);
  assert.match(q!.problems[0]!, /loki/);
});

test('the old graph panel keeps its meaning', () => {
  const raw = {
    type: 'graph', fill: 2, linewidth: 1, stack: true, percentage: false, nullPointMode: 'connected',
    yaxes: [{ format: 'bytes', min: 0, show: true }, { format: 'percent', max: 100, show: true }],
    legend: { show: true, values: true, current: true, avg: true, alignAsTable: true, rightSide: true, sort: 'avg', sortDesc: true },
    aliasColors: { Free: '#7EB26D' },
    seriesOverrides: [{ alias: '/tx/', transform: 'negative-Y' }, { alias: 'load', yaxis: 2, bars: true, stack: false }],
    thresholds: [{ value: 80, colorMode: 'critical', op: 'gt', line: true, fill: false }],
    targets: [{ expr: 'x', step: 240, intervalFactor: 2 }],
  };
  const [p] = panelsOf(normalize({ panels: [raw] }));
  assert.equal(p!.kind, 'timeseries');
  assert.deepEqual([p!.defaults.unit, p!.defaults.min, p!.defaults.stackMode, p!.defaults.spanNulls, p!.defaults.fillOpacity], ['bytes', 0, 'normal', true, 20]);
  assert.deepEqual(p!.options.legend, { mode: 'table', placement: 'right', calcs: ['mean', 'lastNotNull'], sortBy: 'mean', sortDesc: true });
  const field = (name: string): Field => ({ name: 'Value', display: name, type: 'number', labels: {}, values: [1], refId: 'A' });
  assert.equal(configOf(p!, field('eth0 tx'), NO_SCOPE).negativeY, true);
  const load = configOf(p!, field('load'), NO_SCOPE);
  assert.deepEqual([load.unit, load.max, load.min, load.axisSide, load.draw, load.stackMode], ['percent', 100, undefined, 'right', 'bars', 'none']);
  assert.equal(configOf(p!, field('Free'), NO_SCOPE).fixedColor, '#7EB26D');
  assert.deepEqual(p!.defaults.thresholds!.map((t) => t.value), [-Infinity, 80]);
  assert.deepEqual([p!.targets[0]!.minStep, p!.targets[0]!.stepFactor], ['', 2]);
});

test('the old singlestat becomes a stat or a gauge', () => {
  const base = { type: 'singlestat', format: 'percent', thresholds: '50,80', colors: ['green', 'orange', 'red'], valueName: 'current', targets: [{ expr: 'x' }] };
  const [stat] = panelsOf(normalize({ panels: [{ ...base, colorBackground: true, sparkline: { show: true }, postfix: '!', valueMaps: [{ value: 'null', text: 'N/A', op: '=' }] }] }));
  assert.deepEqual([stat!.kind, stat!.options.colorBy, stat!.options.graph, stat!.options.calc, stat!.options.postfix], ['stat', 'background', true, 'lastNotNull', '!']);
  assert.deepEqual(stat!.defaults.thresholds, [{ value: -Infinity, color: 'green' }, { value: 50, color: 'orange' }, { value: 80, color: 'red' }]);
  assert.equal(mapped(stat!.defaults.mappings, null)!.text, 'N/A');
  const [gauge] = panelsOf(normalize({ panels: [{ ...base, gauge: { show: true, maxValue: 200 } }] }));
  assert.deepEqual([gauge!.kind, gauge!.defaults.max], ['gauge', 200]);
});

test('rows of every generation', () => {
  const stat = (y: number): unknown => ({ type: 'stat', gridPos: { x: 0, y, w: 6, h: 4 }, targets: [{ expr: 'up' }] });
  const modern = normalize({ panels: [stat(0), { type: 'row', title: 'open', gridPos: { y: 4 } }, stat(5), { type: 'row', title: 'shut', collapsed: true, gridPos: { y: 9 }, panels: [stat(10), stat(14)] }] });
  assert.deepEqual(modern.sections.map((s) => [s.row?.title ?? null, s.row?.collapsed ?? false, s.panels.length]), [[null, false, 1], ['open', false, 1], ['shut', true, 2]]);
  const old = normalize({ rows: [{ title: 'R', showTitle: true, height: '250px', panels: [{ type: 'graph', span: 8, targets: [{ expr: 'x' }] }, { type: 'graph', span: 6, targets: [{ expr: 'y' }] }] }] });
  assert.deepEqual(old.sections[0]!.panels.map((p) => p.box), [{ x: 0, y: 0, w: 16, h: 7 }, { x: 0, y: 7, w: 12, h: 7 }]);
});

test('repeats become one panel per value', () => {
  const d = normalize({ panels: [{ type: 'stat', title: '$gpu', repeat: 'gpu', maxPerRow: 2, gridPos: { x: 0, y: 0, w: 24, h: 4 }, targets: [{ expr: 'x{gpu="$gpu"}' }] }, { type: 'stat', title: 'below', gridPos: { x: 0, y: 4, w: 24, h: 4 }, targets: [{ expr: 'y' }] }] });
  const scope = new Map<string, Bound>([['gpu', { values: ['0', '1', '2'], texts: ['0', '1', '2'], many: true, custom: null }]]);
  const [section] = place(d.sections, scope);
  assert.deepEqual(section!.panels.map((p) => [intoText(p.panel.title, p.scope), p.box]), [
    ['0', { x: 0, y: 0, w: 12, h: 4 }],
    ['1', { x: 12, y: 0, w: 12, h: 4 }],
    ['2', { x: 0, y: 4, w: 12, h: 4 }],
    ['below', { x: 0, y: 8, w: 24, h: 4 }],
  ]);
});

test('variables enter expressions as Grafana spells them', () => {
  const bound = (values: string[], many: boolean, custom: string | null = null): Bound => ({ values, texts: values, many, custom });
  const scope = new Map<string, Bound>([['one', bound(['a.b'], false)], ['many', bound(['a.b', 'c'], true)], ['lone', bound(['a.b'], true)], ['all', bound(['x', 'y'], true, '.*')], ['quote', bound(['a"b\\c'], false)]]);
  const rows: [string, string][] = [
    ['x{a="$one"}', 'x{a="a.b"}'],
    ['x{a=~"$many"}', 'x{a=~"(a\\\\.b|c)"}'],
    ['x{a=~"${lone}"}', 'x{a=~"a\\\\.b"}'],
    ['x{a=~"[[all]]"}', 'x{a=~".*"}'],
    ['x{a="$quote"}', 'x{a="a\\"b\\\\c"}'],
    ['${many:csv} ${many:pipe} ${many:regex}', 'a.b,c a.b|c (a\\.b|c)'],
    ['$unknown $one_more', '$unknown $one_more'],
  ];
  for (const [source, want] of rows) assert.equal(intoExpression(source, scope), want);
  assert.equal(intoText('Load of $many', scope), 'Load of a.b + c');
});

test('built-in intervals', () => {
  const clock = builtins({ fromMs: 0, toMs: 36e5, stepMs: 15_000, scrapeMs: 15_000 });
  const fill = (s: string): string => intoExpression(s, clock);
  assert.equal(fill('rate(x[$__rate_interval])'), 'rate(x[1m])');
  assert.equal(fill('rate(x[${__interval}]) $__interval_ms'), 'rate(x[15s]) 15000');
  assert.equal(fill('[$__range] $__range_s $__range_ms'), '[3600s] 3600 3600000');
  const wide = builtins({ fromMs: 0, toMs: 864e5, stepMs: 300_000, scrapeMs: 15_000 });
  assert.equal(intoExpression('$__rate_interval', wide), '5m15s');
  assert.equal(intoExpression(intoExpression('$i', joinScopes(clock, new Map([['i', single('$__rate_interval')]]))), clock), '1m');
});

test('variable choices', () => {
  assert.deepEqual(customChoices('a, b : 2, c\\,d'), [{ text: 'a', value: 'a' }, { text: 'b', value: '2' }, { text: 'c,d', value: 'c,d' }]);
  assert.deepEqual(byRegex(['x{q="0.5"} 1', 'x{q="0.9"} 2', 'y 3'], '/q="([^"]+)"/').map((c) => c.value), ['0.5', '0.9']);
  assert.deepEqual(byRegex(['n="a",v="1"'], '/n="(?<text>[^"]+)",v="(?<value>[^"]+)"/'), [{ text: 'a', value: '1' }]);
  const v = (name: string, query: string): unknown => ({ name, type: 'query', query });
  const d = normalize({ templating: { list: [v('c', 'label_values(x{a="$a",b="$b"}, c)'), v('b', 'label_values(x{a="$a"}, b)'), v('a', 'label_values(a)'), v('p', '$q'), v('q', '$p')] } });
  assert.deepEqual(ordered(d.variables).map((x) => x.name), ['a', 'b', 'c', 'p', 'q']);
});

const target = (over: Partial<Target>): Target => ({ refId: 'A', expr: 'x', legend: '__auto', instant: false, format: 'time_series', minStep: '', stepFactor: 1, hidden: false, skip: null, math: null, ...over });

function answered(series: { metric: Record<string, string>; value: [number, string] }[], over: Partial<Target> = {}): Frame[] {
  const t = target(over);
  return toFrames([{ target: t, data: { resultType: 'vector', result: series }, startMs: 0, endMs: 0, stepMs: 0, legend: t.legend }]);
}

test('legends', () => {
  assert.equal(legendText('{{ job }} of {{instance}} {{nope}}.', { job: 'a', instance: 'b' }), 'a of b .');
  const two = answered([{ metric: { __name__: 'm', job: 'a', x: '1' }, value: [0, '1'] }, { metric: { __name__: 'm', job: 'a', x: '2' }, value: [0, '2'] }]);
  assert.deepEqual(two.map((f) => f.name), ['1', '2']);
  assert.deepEqual(answered([{ metric: {}, value: [0, '1'] }]).map((f) => f.name), ['x']);
});

test('tables: one column per label, merged, organized', () => {
  const a = answered([{ metric: { job: 'a' }, value: [1, '1'] }, { metric: { job: 'b' }, value: [1, '2'] }], { format: 'table', refId: 'A' });
  const b = answered([{ metric: { job: 'b' }, value: [1, '20'] }], { format: 'table', refId: 'B' });
  b[0]!.fields[2]!.name = 'Value #B';
  const { frames, problems } = transform([...a, ...b], [
    { id: 'merge', options: {} },
    { id: 'organize', options: { excludeByName: { Time: true }, indexByName: { 'Value #B': 0, job: 1, Value: 2 }, renameByName: { job: 'Job' } } },
    { id: 'frobnicate', options: {} },
  ]);
  assert.deepEqual(frames[0]!.fields.map((f) => [f.display ?? f.name, f.values]), [['Value #B', [undefined, 20]], ['Job', ['a', 'b']], ['Value', [1, 2]]]);
  assert.match(problems[0]!, /frobnicate/);
});

test('joinByField, reduce and calculateField', () => {
  const frame = (refId: string, times: number[], values: number[]): Frame => ({ refId, name: refId, stepMs: 1, fields: [{ name: 'Time', type: 'time', labels: {}, values: times, display: null, refId }, { name: 'Value', type: 'number', labels: {}, values, display: refId, refId }] });
  const joined = transform([frame('a', [1, 2], [10, 20]), frame('b', [2, 3], [200, 300])], [{ id: 'joinByField', options: { byField: 'Time' } }]).frames[0]!;
  assert.deepEqual(joined.fields.map((f) => f.values), [[1, 2, 3], [10, 20, null], [null, 200, 300]]);
  const sum = transform([joined], [{ id: 'calculateField', options: { mode: 'binary', binary: { left: 'a', operator: '+', right: 'b' }, alias: 'both' } }]).frames[0]!;
  assert.equal(sum.fields.at(-1)!.values[1], 220);
  const reduced = transform([frame('a', [1, 2], [10, 20])], [{ id: 'reduce', options: { reducers: ['max', 'mean'] } }]).frames[0]!;
  assert.deepEqual(reduced.fields.map((f) => f.values), [['a'], [20], [15]]);
});

test('math over queries', () => {
  const frames = [...answered([{ metric: { gpu: '0' }, value: [1, '50'] }, { metric: { gpu: '1' }, value: [1, '20'] }], { refId: 'A' }), ...answered([{ metric: { gpu: '0' }, value: [1, '200'] }, { metric: { gpu: '1' }, value: [1, '40'] }], { refId: 'B' })];
  const made = evaluateMath(target({ refId: 'C', math: '$A / ${B} * (1 + 99)' }), frames);
  assert.ok(Array.isArray(made));
  assert.deepEqual(made.map((f) => f.fields[1]!.values), [[25], [50]]);
  assert.equal(typeof evaluateMath(target({ math: 'is_nan($A)' }), frames), 'string');
});

test('overrides, mappings and names', () => {
  const [p] = panelsOf(
    normalize({
      panels: [
        {
          type: 'timeseries',
          targets: [{ expr: 'x' }],
          fieldConfig: {
            defaults: { unit: 'short', color: { mode: 'palette-classic' }, mappings: [{ type: 'value', options: { '1': { text: 'up', color: 'green' }, '0': { text: 'down' } } }, { type: 'range', options: { from: 5, to: 9, result: { text: 'some' } } }, { type: 'special', options: { match: 'null+nan', result: { text: 'none' } } }] },
            overrides: [
              { matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'unit', value: 'bytes' }, { id: 'displayName', value: 'A ${__field.labels.job}' }] },
              { matcher: { id: 'byRegexp', options: '/^b.*/' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: 'red' } }] },
              { matcher: { id: 'byFrameRefID', options: 'B' }, properties: [{ id: 'custom.axisPlacement', value: 'right' }] },
            ],
          },
        },
      ],
    }),
  );
  const field = (display: string, refId = 'A'): Field => ({ name: 'Value', display, type: 'number', labels: { job: 'j' }, values: [1], refId });
  const a = configOf(p!, field('a'), NO_SCOPE);
  assert.deepEqual([a.unit, nameUnder(field('a'), a, NO_SCOPE)], ['bytes', 'A j']);
  assert.equal(configOf(p!, field('bb'), NO_SCOPE).fixedColor, 'red');
  assert.equal(configOf(p!, field('c', 'B'), NO_SCOPE).axisSide, 'right');
  const show = (v: number | null): string => display(p!.defaults, v, { dark: false, index: 0, min: 0, max: 1 }).text;
  assert.deepEqual([show(1), show(0), show(7), show(null), show(NaN), show(3)], ['up', 'down', 'some', 'none', 'none', '3']);
});
