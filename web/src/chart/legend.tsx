// Legends: a list, or a table with calculations that sorts by a click on its head.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { calcName, reduce } from '../core/reduce.ts';
import type { ChartSeries } from './spec.ts';

export interface LegendOptions {
  mode: 'list' | 'table' | 'hidden';
  placement: 'bottom' | 'right';
  calcs: string[];
  sortBy?: string | undefined;
  sortDesc?: boolean | undefined;
}

const MOST_ENTRIES = 300;

interface Props {
  series: ChartSeries[];
  options: LegendOptions;
  /** A plain click shows only this one (or all again), with Ctrl or Shift it flips this one. */
  onToggle: (name: string, only: boolean) => void;
}

function Entry({ s, onToggle }: { s: ChartSeries; onToggle: Props['onToggle'] }): JSX.Element {
  return (
    <button
      type="button"
      class={`legend-entry ${s.hidden ? 'off' : ''}`}
      title={`${s.name}\nclick: only this one; Ctrl+click: hide or show`}
      aria-pressed={!s.hidden}
      onClick={(e) => onToggle(s.name, !(e.ctrlKey || e.metaKey || e.shiftKey))}
    >
      <span class={`swatch ${s.dash ? 'dashed' : ''}`} style={{ background: s.color, color: s.color }} />
      <span class="legend-name">{s.name}</span>
    </button>
  );
}

export function Legend({ series, options, onToggle }: Props): JSX.Element | null {
  const [sort, setSort] = useState<{ by: string; desc: boolean } | null>(
    options.sortBy ? { by: options.sortBy, desc: options.sortDesc ?? true } : null,
  );
  const shown = series.filter((s) => !s.hideFromLegend);
  if (options.mode === 'hidden' || shown.length === 0) return null;
  if (options.mode === 'list') {
    return (
      <div class={`legend list ${options.placement}`} data-testid="legend">
        {shown.slice(0, MOST_ENTRIES).map((s, i) => (
          <span class="legend-item" key={i}>
            <Entry s={s} onToggle={onToggle} />
            {options.calcs.map((c) => {
              const v = reduce(s.values, c);
              return (
                <span class="legend-calc" key={c}>
                  {calcName(c)}: {v === null ? '-' : s.format(v)}
                </span>
              );
            })}
          </span>
        ))}
        {shown.length > MOST_ENTRIES && <span class="dim">and {shown.length - MOST_ENTRIES} more</span>}
      </div>
    );
  }
  return <LegendTable shown={shown} options={options} sort={sort} setSort={setSort} onToggle={onToggle} />;
}

interface TableProps {
  shown: ChartSeries[];
  options: LegendOptions;
  sort: { by: string; desc: boolean } | null;
  setSort: (s: { by: string; desc: boolean }) => void;
  onToggle: Props['onToggle'];
}

function LegendTable({ shown, options, sort, setSort, onToggle }: TableProps): JSX.Element {
  const rows = shown.map((s) => ({ s, values: options.calcs.map((c) => reduce(s.values, c)) }));
  const column = sort ? options.calcs.findIndex((c) => c === sort.by || calcName(c) === sort.by) : -1;
  if (sort && column >= 0) {
    const low = sort.desc ? -Infinity : Infinity;
    rows.sort((a, b) => ((a.values[column] ?? low) - (b.values[column] ?? low)) * (sort.desc ? -1 : 1));
  } else if (sort && sort.by === 'Name') {
    rows.sort((a, b) => a.s.name.localeCompare(b.s.name) * (sort.desc ? -1 : 1));
  }
  const head = (by: string, text: string): JSX.Element => (
    <th scope="col" aria-sort={sort?.by === by ? (sort.desc ? 'descending' : 'ascending') : 'none'}>
      <button type="button" onClick={() => setSort({ by, desc: sort?.by === by ? !sort.desc : by !== 'Name' })}>
        {text}
        {sort && (sort.by === by || calcName(sort.by) === text) ? (sort.desc ? ' \u25be' : ' \u25b4') : ''}
      </button>
    </th>
  );
  return (
    <div class={`legend table ${options.placement}`} data-testid="legend">
      <table>
        <thead>
          <tr>
            {head('Name', 'Name')}
            {options.calcs.map((c) => head(calcName(c), calcName(c)))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ENTRIES).map(({ s, values }, i) => (
            <tr key={i}>
              <td>
                <Entry s={s} onToggle={onToggle} />
              </td>
              {values.map((v, k) => (
                <td key={k}>{v === null ? '-' : s.format(v)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ENTRIES && <span class="dim">and {rows.length - MOST_ENTRIES} more</span>}
    </div>
  );
}

/** Names hidden after a click: `only` isolates one name, or shows all when it was alone already. */
export function toggled(all: readonly string[], hidden: ReadonlySet<string>, name: string, only: boolean): Set<string> {
  const next = new Set(hidden);
  if (!only) {
    if (!next.delete(name)) next.add(name);
    return next;
  }
  const alone = all.every((n) => n === name || hidden.has(n)) && !hidden.has(name);
  return alone ? new Set() : new Set(all.filter((n) => n !== name));
}
