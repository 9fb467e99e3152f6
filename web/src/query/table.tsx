// The table tab: an instant query's answer as rows.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { NativeHistogram, QueryData, Series } from '../api/prometheus.ts';
import { seriesName } from '../api/prometheus.ts';
import { zone } from '../core/settings.ts';
import { formatMoment } from '../core/time.ts';

const PAGE_ROWS = 500;
const PLAIN_ABOVE = 1000;

function SeriesName({ s, plain }: { s: Series; plain: boolean }): JSX.Element {
  if (plain) return <>{seriesName(s.metric)}</>;
  const { __name__: name, ...labels } = s.metric;
  const entries = Object.entries(labels);
  return (
    <span class="series-name">
      {name && <span class="metric">{name}</span>}
      {(entries.length > 0 || !name) && <span class="p">{'{'}</span>}
      {entries.map(([k, v], i) => (
        <span key={k}>
          {i > 0 && <span class="p">, </span>}
          <span class="k">{k}</span>
          <span class="p">=</span>
          <span class="v">{JSON.stringify(v)}</span>
        </span>
      ))}
      {(entries.length > 0 || !name) && <span class="p">{'}'}</span>}
    </span>
  );
}

const EDGES = [['(', ']'], ['[', ')'], ['(', ')'], ['[', ']']];

function Histogram({ h }: { h: NativeHistogram }): JSX.Element {
  const buckets = h.buckets ?? [];
  const most = Math.max(...buckets.map((b) => Number(b[3])), 1);
  return (
    <details class="histogram">
      <summary>
        count {h.count}, sum {h.sum}
      </summary>
      {buckets.map(([rule, low, high, n], i) => (
        <div class="bucket" key={i}>
          <span>
            {EDGES[rule]?.[0]}
            {low}, {high}
            {EDGES[rule]?.[1]}
          </span>
          <span class="bar">
            <span style={{ width: `${(Number(n) / most) * 100}%` }} />
          </span>
          <span>{n}</span>
        </div>
      ))}
    </details>
  );
}

function Value({ s }: { s: Series }): JSX.Element {
  const utc = zone.value === 'utc';
  if (s.histogram) return <Histogram h={s.histogram[1]} />;
  if (s.value) return <>{s.value[1]}</>;
  return (
    <span class="samples">
      {s.values?.map(([t, v]) => (
        <span key={t} title={formatMoment(t * 1000, utc, true)}>
          {v} @{t}
        </span>
      ))}
      {s.histograms?.map(([t, h]) => (
        <span key={t}>
          count {h.count}, sum {h.sum} @{t}
        </span>
      ))}
    </span>
  );
}

export function ResultTable({ data }: { data: QueryData }): JSX.Element {
  const [rows, setRows] = useState(PAGE_ROWS);
  if (data.resultType === 'scalar' || data.resultType === 'string') {
    return (
      <table class="data result" data-testid="result-table">
        <tbody>
          <tr>
            <td class="dim">{data.resultType}</td>
            <td class="num">{data.result[1]}</td>
          </tr>
        </tbody>
      </table>
    );
  }
  const plain = data.result.length > PLAIN_ABOVE;
  return (
    <>
      <table class="data result" data-testid="result-table">
        <tbody>
          {data.result.slice(0, rows).map((s, i) => (
            <tr key={i}>
              <td>
                <SeriesName s={s} plain={plain} />
              </td>
              <td class="num" data-testid="value">
                <Value s={s} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.result.length > rows && (
        <div class="more">
          <button type="button" class="button" onClick={() => setRows(rows + 2000)}>
            Show more
          </button>
          <span class="dim">
            {rows} of {data.result.length} rows
          </span>
        </div>
      )}
    </>
  );
}
