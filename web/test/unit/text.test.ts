// Times, units, reductions, colours: the words on the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blend, inkOn, namedColor, withAlpha } from '../../src/core/color.ts';
import { reduce } from '../../src/core/reduce.ts';
import { formatDuration, formatMoment, humanDuration, parseDuration, parseMoment, resolveTime, roundStep } from '../../src/core/time.ts';
import { format, shown } from '../../src/core/units.ts';

test('durations read and write as Prometheus does', () => {
  for (const [text, ms] of [['5m', 3e5], ['1h30m', 54e5], ['90', 9e4], ['250ms', 250], ['1d', 864e5], ['1.5h', 54e5]] as const) {
    assert.equal(parseDuration(text), ms, text);
  }
  for (const bad of ['', 'm', '5x', '-5m', '5 m', 'now']) assert.equal(parseDuration(bad), null, bad);
  assert.equal(formatDuration(54e5), '1h30m');
  assert.equal(formatDuration(15_000), '15s');
  assert.equal(formatDuration(1_500), '1s500ms');
});

test('durations for people keep two units', () => {
  for (const [ms, text] of [[0, '0s'], [0.25, '250\u00b5s'], [2.54, '2.5ms'], [530, '530ms'], [5_000, '5s'], [192_000, '3m 12s'], [90_061_000, '1d 1h'], [3_600_000, '1h']] as const) {
    assert.equal(humanDuration(ms), text);
  }
});

test('moments in UTC and back', () => {
  const ms = Date.UTC(2026, 10, 20, 14, 3, 9);
  assert.equal(formatMoment(ms, true), '2026-11-20 14:03:09');
  assert.equal(parseMoment('2026-11-20 14:03:09', true), ms);
  assert.equal(parseMoment('2026-11-20T14:03:09Z', false), ms);
  assert.equal(parseMoment(String(ms), true), ms);
  assert.equal(parseMoment(String(ms / 1000), true), ms);
  assert.equal(parseMoment('yesterday', true), null);
});

test('relative times round as Grafana does', () => {
  const now = Date.UTC(2026, 10, 20, 14, 3, 9); // a Friday
  const at = (text: string, up = false): number | null => resolveTime(text, now, up, true);
  assert.equal(at('now'), now);
  assert.equal(at('now-6h'), now - 6 * 36e5);
  assert.equal(at('now/d'), Date.UTC(2026, 10, 20));
  assert.equal(at('now/d', true), Date.UTC(2026, 10, 21) - 1);
  assert.equal(at('now-1d/d'), Date.UTC(2026, 10, 19));
  assert.equal(at('now/w'), Date.UTC(2026, 10, 16));
  assert.equal(at('now/M'), Date.UTC(2026, 10, 1));
  assert.equal(at('now-'), null);
  assert.equal(at('now-6'), null);
});

test('steps are plain ones', () => {
  for (const [ms, want] of [[1, 1], [740, 500], [760, 1000], [12_700, 15_000], [14_000, 15_000], [51_000, 60_000], [5e6, 36e5]] as const) {
    assert.equal(roundStep(ms), want, String(ms));
  }
});

test('units: scale, suffix, and the unknown as a suffix', () => {
  const rows: [number, string, string][] = [
    [1536, 'bytes', '1.5 KiB'],
    [1536, 'decbytes', '1.54 kB'],
    [0, 'bytes', '0 B'],
    [1.5e9, 'short', '1.5 Bil'],
    [950, 'short', '950'],
    [0.425, 'percentunit', '42.5%'],
    [42.5, 'percent', '42.5%'],
    [0.0025, 's', '2.5 ms'],
    [90, 's', '1.5 mins'],
    [7200, 's', '2 hours'],
    [86400, 's', '1 day'],
    [1500, 'ms', '1.5 s'],
    [250, 'ms', '250 ms'],
    [1500, 'pps', '1.5 kp/s'],
    [1500, 'ops', '1.5K ops/s'],
    [1500, 'reqps', '1.5K req/s'],
    [2.4e9, 'hertz', '2.4 GHz'],
    [0.25, 'watt', '250 mW'],
    [71, 'celsius', '71 \u00b0C'],
    [2048, 'decmbytes', '2.05 GB'],
    [2048, 'mbytes', '2 GiB'],
    [1.5e6, 'Bps', '1.5 MB/s'],
    [1.5e6, 'bps', '1.5 Mb/s'],
    [1, 'bool_yes_no', 'Yes'],
    [90061, 'dtdurations', '1 day, 1 hour'],
    [93784, 'dtdhms', '1 d 02:03:04'],
    [12, 'tokens/s', '12 tokens/s'],
    [1200, 'count:tok/s', '1.2K tok/s'],
    [5, 'suffix: GPUs', '5  GPUs'],
    [1234.5, 'currencyUSD', '$1.23K'],
    [NaN, 'bytes', 'NaN B'],
    [Infinity, 'none', '+Inf'],
    [1234567, 'none', '1234567'],
    [0.00000012, 'none', '1.20e-7'],
  ];
  for (const [value, unit, want] of rows) assert.equal(format(value, unit), want, `${value} ${unit}`);
  assert.equal(shown(3.14159, 'none', 1).text, '3.1');
  assert.equal(format(null, 'bytes'), '');
});

test('reductions', () => {
  const v = [1, null, 5, 3, undefined, null];
  for (const [calc, want] of [['lastNotNull', 3], ['current', 3], ['last', null], ['first', 1], ['min', 1], ['max', 5], ['mean', 3], ['avg', 3], ['sum', 9], ['range', 4], ['diff', 2], ['delta', 7], ['count', 6]] as const) {
    assert.equal(reduce(v, calc), want, calc);
  }
  assert.equal(reduce([], 'max'), null);
  assert.equal(reduce([null], 'mean'), null);
  assert.equal(reduce([1, 2, 3, 4], 'median'), 2.5);
});

test('colours', () => {
  assert.match(namedColor('semi-dark-red', false), /^#/);
  assert.notEqual(namedColor('green', true), namedColor('green', false));
  assert.equal(namedColor('rgba(50, 172, 45, 0.97)', true), 'rgba(50, 172, 45, 0.97)');
  assert.equal(namedColor('#123', true), '#123');
  assert.doesNotMatch(namedColor('url(javascript:x)', false), /url/);
  assert.equal(withAlpha('#ff0000', 0.5), 'rgba(255,0,0,0.5)');
  assert.equal(blend(['#000000', '#ffffff'], 0.5), 'rgb(128,128,128)');
  assert.equal(inkOn('#ffffff'), '#10151c');
  assert.equal(inkOn('#102030'), '#fff');
});
