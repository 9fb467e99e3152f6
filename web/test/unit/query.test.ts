// The query page's address, the tokenizer, completion contexts, alignment and stacking.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { align } from '../../src/chart/align.ts';
import { stack } from '../../src/chart/stack.ts';
import { contextAt } from '../../src/editor/context.ts';
import { LabelIndex } from '../../src/pages/labelindex.ts';
import { lex, selectors } from '../../src/query/lex.ts';
import { FRESH, readPanels, writePanels } from '../../src/query/url.ts';
import { fromAlertmanager } from '../../src/pages/hash.ts';
import type { ExplainedEmptiness } from '../../src/api/prometheus.ts';
import { places } from '../../src/query/why.ts';

test('addresses of both generations are read', () => {
  const old = readPanels(new URLSearchParams('g0.expr=up&g0.tab=0&g0.range_input=6h&g0.end_input=2026-11-20%2014%3A00%3A00&g0.step_input=30&g0.stacked=1'));
  assert.deepEqual(old, [{ expr: 'up', tab: 'graph', rangeMs: 216e5, endMs: Date.UTC(2026, 10, 20, 14), stepMs: 30_000, stacked: true, fromZero: false }]);
  const now = readPanels(new URLSearchParams('g0.expr=a&g0.tab=table&g1.expr=b&g1.tab=graph&g1.res_type=fixed&g1.res_step=15&g1.display_mode=stacked'));
  assert.deepEqual(now.map((p) => [p.expr, p.tab, p.stepMs, p.stacked]), [['a', 'table', null, false], ['b', 'graph', 15_000, true]]);
  assert.deepEqual(readPanels(new URLSearchParams('g0.range_input=nonsense')), [FRESH]);
  assert.deepEqual(readPanels(new URLSearchParams('')), [FRESH]);
});

test('what is written is read back', () => {
  const panels = [
    { ...FRESH, expr: 'sum by (job) (rate(x{a="b & c"}[5m]))', tab: 'graph' as const, endMs: Date.UTC(2026, 0, 2, 3, 4, 5), stepMs: 60_000, stacked: true },
    { ...FRESH, expr: 'up', rangeMs: 9e5, fromZero: true },
  ];
  assert.deepEqual(readPanels(writePanels(panels)), panels);
});

test('the step of a subquery is no metric', () => {
  assert.deepEqual(selectors('max_over_time(rate(errors_total[5m])[1h:20s]) or a:b:c').map((s) => s.metric), ['errors_total', 'a:b:c']);
});

test('the tokenizer loses nothing', () => {
  for (const text of ['sum by (job) (rate(http_requests_total{code=~"5..",x!="\\"y"}[5m] offset 1h)) > 0.5 # note', 'a:b + on(c) group_left() d', '"open', '{', '\u{1f600} up', "x{y='z'}", '1e-3 + 0x1F + .5']) {
    assert.equal(lex(text).map((t) => t.text).join(''), text);
  }
});

test('selectors are found where they stand', () => {
  const found = selectors('sum by (job, instance) (rate(http_requests_total{code=~"5.."}[5m])) / on (job) group_left(x) up{a="b"} and {__name__="odd name"} > bool 3');
  assert.deepEqual(found.map((s) => [s.metric, s.text, s.range]), [
    ['http_requests_total', 'http_requests_total{code=~"5.."}', '5m'],
    ['up', 'up{a="b"}', null],
    [null, '{__name__="odd name"}', null],
  ]);
  assert.deepEqual(found[0]!.matchers, [{ name: 'code', op: '=~', value: '5..' }]);
});

test('completion knows its place', () => {
  const at = (text: string): unknown => {
    const { from: _, ...rest } = { from: 0, ...contextAt(text.replace('|', ''), text.indexOf('|')) };
    return rest;
  };
  assert.deepEqual(at('ra|'), { at: 'operand' });
  assert.deepEqual(at('rate(htt|'), { at: 'operand' });
  assert.deepEqual(at('up{|'), { at: 'label-name', metric: 'up' });
  assert.deepEqual(at('up{job="x", in|'), { at: 'label-name', metric: 'up' });
  assert.deepEqual(at('up{job="|'), { at: 'label-value', label: 'job', metric: 'up' });
  assert.deepEqual(at('up{job=~"no|'), { at: 'label-value', label: 'job', metric: 'up' });
  assert.deepEqual(at('rate(up[|'), { at: 'duration' });
  assert.deepEqual(at('up offset |'), { at: 'duration' });
  assert.deepEqual(at('sum by (|'), { at: 'label-name', metric: null });
  assert.deepEqual(at('sum by (|) (rate(node_cpu_seconds_total[5m]))'), { at: 'label-name', metric: 'node_cpu_seconds_total' });
  assert.deepEqual(at('up o|'), { at: 'operator' });
  assert.deepEqual(at('up + no|'), { at: 'operand' });
  assert.deepEqual(at('# no|'), { at: 'nothing' });
});

test('results line up: a hole is a gap, a foreign time is none', () => {
  const a = { series: [{ metric: {}, values: [[0, '1'], [20, '3']] as [number, string][] }], startMs: 0, endMs: 20_000, stepMs: 10_000 };
  const b = { series: [{ metric: {}, values: [[0, 'NaN'], [15, '+Inf']] as [number, string][] }], startMs: 0, endMs: 15_000, stepMs: 15_000 };
  const { times, values } = align([a, b]);
  assert.deepEqual(times, [0, 10, 15, 20]);
  assert.deepEqual(values[0]![0], [1, null, undefined, 3]);
  assert.deepEqual(values[1]![0], [null, undefined, Infinity, undefined]);
});

test('stacks add up, downwards on their own', () => {
  const made = stack([{ values: [1, 2], stackGroup: 'A' }, { values: [10, null], stackGroup: 'A' }, { values: [-1, -2], stackGroup: 'A' }, { values: [5, 5] }, { values: [100, 100], stackGroup: 'A' }], 2);
  assert.deepEqual(made.values, [[1, 2], [11, 2], [-1, -2], [5, 5], [111, 102]]);
  assert.deepEqual(made.bands, [{ upper: 1, lower: 0 }, { upper: 4, lower: 1 }]);
  const late = stack([{ values: [null, 1], stackGroup: 'A' }, { values: [null, 2], stackGroup: 'A' }], 2);
  assert.deepEqual(late.values, [[null, 1], [null, 3]]);
  const share = stack([{ values: [1], stackGroup: 'A', percent: true }, { values: [3], stackGroup: 'A', percent: true }], 1);
  assert.deepEqual(share.values, [[0.25], [1]]);
});

test("Alertmanager's addresses lead to ours", () => {
  const to = (hash: string): string | null => {
    const found = fromAlertmanager(hash);
    return found && `${found.path}?${decodeURIComponent(found.params.toString()).replace(/\+/g, ' ')}`;
  };
  assert.equal(to('#/alerts?receiver=team'), '/alerts?');
  assert.equal(to('#/alerts?filter=%7Balertname%3D%22X%22%2Cjob%3D~%22y%22%7D'), '/alerts?search=alertname="X"');
  assert.equal(to('#/silences/new?filter=%7Ba%3D%22b%22%7D'), '/alerts?tab=silences&silence={a="b"}');
  assert.equal(to('#/silences/0193-abc'), '/alerts?tab=silences&expired=1');
  assert.equal(to('#content'), null);
});

test('every empty side of an expression is said, each with its place', () => {
  const side = (expr: string, also: ExplainedEmptiness[] = []) => ({ expr, reason: 'no_such_metric', text: `there is no ${expr}`, also });
  assert.deepEqual(places(side('a', [side('b')]), 'a or b'), ['there is no a', 'It became empty at a', 'there is no b', 'It became empty at b']);
  assert.deepEqual(places({ expr: 'a', reason: 'stale', text: 'old' }, 'a'), ['old']);
});

test('strings are read as Go writes them', () => {
  const found = selectors('{"a b"="x=\\"y\\"",c="\\\\\\n\\t\\u00e9\\x07\\U0001f525\\101",d=`\\n`,"\u00fc"=~"{,}()"}')[0]!;
  assert.deepEqual(found.matchers, [
    { name: 'a b', op: '=', value: 'x="y"' },
    { name: 'c', op: '=', value: '\\\n\t\u00e9\x07\u{1f525}A' },
    { name: 'd', op: '=', value: '\\n' },
    { name: '\u00fc', op: '=~', value: '{,}()' },
  ]);
});

test('label sets are found by some of their labels', () => {
  const sets: Record<string, string>[] = [{ a: "1", b: "x" }, { a: '1', b: 'y', more: 'z' }, { a: '2', b: 'y' }];
  const index = new LabelIndex(sets.map((labels, of) => ({ labels, of })));
  assert.deepEqual(index.find({ a: '1' }), [0, 1]);
  assert.deepEqual(index.find({ a: '1', b: 'y' }), [1]);
  assert.deepEqual(index.find({ a: '2', b: 'x' }), []);
  assert.deepEqual(index.find({ a: '3' }), []);
});
