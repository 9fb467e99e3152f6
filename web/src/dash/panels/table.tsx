// Table panels: sortable columns, coloured cells, little bars.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { inkOn } from '../../core/color.ts';
import { calcName, canonicalCalc, reduce, type Cell } from '../../core/reduce.ts';
import { dark, zone } from '../../core/settings.ts';
import { formatMoment } from '../../core/time.ts';
import { fieldName, type CellValue, type Field, type Frame } from '../frames.ts';
import { intoText, type Scope } from '../interpolate.ts';
import type { FieldConfig, Panel } from '../model.ts';
import { configOf, display, nameUnder, spanOf } from '../resolve.ts';
import { compareCells } from '../transform.ts';
import type { Drawn } from './frame-props.ts';
import { safeUrl } from './markup.tsx';

const MOST_ROWS = 500;

interface Column {
  field: Field;
  config: FieldConfig;
  name: string;
  min: number;
  max: number;
}

/** Old tables of aggregations: a row per series. */
function seriesRows(frames: readonly Frame[], calcs: readonly string[]): Frame {
  const sources = frames.flatMap((f) => f.fields.filter((x) => x.type === 'number'));
  const make = (name: string, type: Field['type'], values: CellValue[]): Field => ({ name, type, values, labels: {}, display: null, refId: 'A' });
  const columns = calcs.map((c) => make(calcName(canonicalCalc(c)).replace(' *', ''), 'number', sources.map((s) => reduce(s.values as Cell[], c))));
  return { refId: 'A', name: '', stepMs: 0, fields: [make('Metric', 'string', sources.map(fieldName)), ...columns] };
}

function columnsOf(panel: Panel, frame: Frame, scope: Scope): Column[] {
  return frame.fields
    .map((field) => {
      const config = configOf(panel, field, scope);
      return { field, config, name: nameUnder(field, config, scope), ...spanOf(config, field.values) };
    })
    .filter((c) => !c.config.hidden && !(c.config.hideFrom?.viz ?? false));
}

function cellLink(c: Column, row: number, v: CellValue, scope: Scope): string | null {
  const url = c.config.links?.[0]?.url;
  if (!url) return null;
  const labels = (name: string): string => c.field.labels[name] ?? '';
  const filled = url
    .replace(/\$\{__(?:cell|value)(?:[.:]\w+)?\}|\$__cell\b/g, encodeURIComponent(String(v ?? '')))
    .replace(/\$\{__field\.labels\.(\w+)\}/g, (_, n: string) => encodeURIComponent(labels(n)))
    .replace(/\$\{__data\.fields[^}]*\}|\$\{__cell_\d+\}/g, '');
  return row < 0 ? null : safeUrl(intoText(filled, scope));
}

function CellView({ c, row, isDark, scope, index }: { c: Column; row: number; isDark: boolean; scope: Scope; index: number }): JSX.Element {
  const v = c.field.values[row];
  // A unit set for the panel's numbers does not speak of its times.
  const isTime = c.field.type === 'time' && !/^(date|time:)/.test(c.config.unit ?? '');
  const d = display(c.config, v, { dark: isDark, index, min: c.min, max: c.max });
  const text = isTime && typeof v === 'number' ? formatMoment(v, zone.value === 'utc') : v === null || v === undefined ? (c.config.noValue ?? '') : d.prefix + d.text + d.suffix;
  const cell = c.config.cell ?? 'auto';
  const numeric = c.field.type === 'number';
  const align = c.config.align && c.config.align !== 'auto' ? c.config.align : numeric ? 'right' : 'left';
  const style: Record<string, string> = { textAlign: align };
  if (cell === 'color-text' && (numeric || d.isMapped)) style['color'] = d.color;
  if (cell.startsWith('color-background') && (numeric || d.isMapped) && v !== null && v !== undefined) Object.assign(style, { background: d.color, color: inkOn(d.color) });
  const link = cellLink(c, row, v, scope);
  const bar = (cell.includes('gauge') || cell === 'lcd-gauge' || cell === 'basic') && typeof v === 'number';
  return (
    <td style={style} data-value={numeric ? (v ?? '') : undefined}>
      {bar ? (
        <span class="cell-bar">
          <span class="bar-track">
            <span class="bar-fill" style={{ width: `${Math.min(Math.max((v - c.min) / (c.max - c.min || 1), 0), 1) * 100}%`, background: d.color }} />
          </span>
          <span>{text}</span>
        </span>
      ) : link ? (
        <a href={link} target={c.config.links?.[0]?.newTab ? '_blank' : undefined} rel="noreferrer">
          {text}
        </a>
      ) : (
        text
      )}
    </td>
  );
}

function footerCell(c: Column, panel: Panel): string {
  const { calcs, fields } = panel.options.footer;
  if (c.field.type !== 'number' || (fields.length > 0 && !fields.includes(c.name))) return '';
  const v = reduce(c.field.values as Cell[], calcs[0] ?? 'sum');
  const d = display(c.config, v, { dark: false, index: 0, min: 0, max: 1 });
  return d.prefix + d.text + d.suffix;
}

export function TablePanel({ panel, frames, scope }: Drawn): JSX.Element {
  const isDark = dark.value;
  const [chosen, setChosen] = useState(0);
  const shownFrames = useMemo(() => (panel.options.seriesCalcs ? [seriesRows(frames, panel.options.seriesCalcs)] : frames), [frames, panel]);
  const frame = shownFrames[Math.min(chosen, shownFrames.length - 1)];
  const columns = useMemo(() => (frame ? columnsOf(panel, frame, scope) : []), [frame, panel, scope]);
  const initial = panel.options.sortBy[0];
  const [sort, setSort] = useState<{ name: string; desc: boolean } | null>(null);
  const by = sort ?? initial ?? null;
  const sortColumn = by && (columns.find((c) => c.name === by.name) ?? (by.name.startsWith('#') ? columns[Number(by.name.slice(1))] : undefined));
  const rows = Array.from({ length: frame ? Math.max(0, ...frame.fields.map((f) => f.values.length)) : 0 }, (_, i) => i);
  if (sortColumn) {
    rows.sort((a, b) => compareCells(sortColumn.field.values[a], sortColumn.field.values[b]));
    if (by!.desc) rows.reverse();
  }
  if (!frame) return <div class="panel-empty">No data</div>;
  return (
    <div class="table-panel" data-testid="table-panel">
      <div class="scroll">
        <table class="data">
          <thead>
            <tr>
              {columns.map((c, i) => (
                <th key={i} scope="col" style={{ textAlign: c.field.type === 'number' ? 'right' : 'left', ...(c.config.width ? { width: `${c.config.width}px` } : {}) }}>
                  <button type="button" onClick={() => setSort({ name: c.name, desc: sortColumn === c ? !by!.desc : c.field.type === 'number' })}>
                    {c.name}
                    {sortColumn === c ? (by!.desc ? ' \u25be' : ' \u25b4') : ''}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((row) => (
              <tr key={row}>
                {columns.map((c, i) => (
                  <CellView key={i} c={c} row={row} isDark={isDark} scope={scope} index={i} />
                ))}
              </tr>
            ))}
          </tbody>
          {panel.options.footer.show && (
            <tfoot>
              <tr>
                {columns.map((c, i) => (
                  <td key={i} style={{ textAlign: 'right' }}>
                    {footerCell(c, panel)}
                  </td>
                ))}
              </tr>
            </tfoot>
          )}
        </table>
        {rows.length === 0 && <div class="panel-empty">No data</div>}
      </div>
      {rows.length > MOST_ROWS && <div class="dim cut">{MOST_ROWS} of {rows.length} rows</div>}
      {shownFrames.length > 1 && (
        <select class="input frame-choice" aria-label="series shown" value={chosen} onChange={(e) => setChosen(Number(e.currentTarget.value))}>
          {shownFrames.slice(0, 200).map((f, i) => (
            <option key={i} value={i}>
              {f.name}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
