// The box beside the cursor that reads the values out. Built from text nodes only.
import type uPlot from 'uplot';
import { formatMoment } from '../core/time.ts';
import type { ChartSpec, Value } from './spec.ts';

const MOST_ROWS = 24;

export interface Row {
  name: string;
  color: string;
  text: string;
  value: number;
  index: number;
}

/** The series' own value at an index; series on a coarser grid answer with their nearest neighbour. */
function valueNear(values: readonly Value[], index: number): Value {
  if (values[index] !== undefined) return values[index];
  for (let away = 1; away < 40; away++) {
    const before = values[index - away];
    if (before !== undefined) return before;
    const after = values[index + away];
    if (after !== undefined) return after;
  }
  return undefined;
}

/** What a tooltip says at a time index, greatest value first. */
export function rowsAt(spec: ChartSpec, index: number): Row[] {
  const rows: Row[] = [];
  spec.series.forEach((s, i) => {
    if (s.hidden || s.hideFromTooltip) return;
    const v = valueNear(s.values, index);
    if (v === null || v === undefined) return;
    rows.push({ name: s.name, color: s.color, text: s.format(v), value: v, index: i });
  });
  return rows.sort((a, b) => b.value - a.value);
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const e = document.createElement(tag);
  e.className = className;
  if (text) e.textContent = text;
  return e;
}

/** Fills the tooltip for an index; `focused` is the series nearest to the cursor. */
export function fillTooltip(box: HTMLElement, spec: ChartSpec, index: number, focused: number | null, utc: boolean): void {
  const time = spec.times[index];
  let rows = rowsAt(spec, index);
  if (spec.tooltip === 'single') rows = rows.filter((r) => r.index === focused).slice(0, 1);
  if (time === undefined || rows.length === 0) {
    box.hidden = true;
    return;
  }
  const at = rows.findIndex((r) => r.index === focused);
  const start = at > MOST_ROWS - 4 ? at - MOST_ROWS / 2 : 0;
  const nodes: HTMLElement[] = [element('div', 'tip-time', formatMoment(time * 1000, utc))];
  for (const row of rows.slice(start, start + MOST_ROWS)) {
    const line = element('div', row.index === focused ? 'tip-row focused' : 'tip-row');
    const swatch = element('span', 'swatch');
    swatch.style.background = row.color;
    line.append(swatch, element('span', 'tip-name', row.name), element('span', 'tip-value', row.text));
    nodes.push(line);
  }
  if (rows.length > MOST_ROWS) nodes.push(element('div', 'tip-more', `${rows.length - MOST_ROWS} more`));
  box.replaceChildren(...nodes);
  box.hidden = false;
}

/** Puts the tooltip beside the cursor, inside the window. */
export function placeTooltip(box: HTMLElement, u: uPlot): void {
  const over = u.over.getBoundingClientRect();
  const x = over.left + (u.cursor.left ?? 0);
  const y = over.top + (u.cursor.top ?? 0);
  const { offsetWidth: w, offsetHeight: h } = box;
  const left = x + 16 + w > window.innerWidth - 8 ? x - w - 16 : x + 16;
  const top = Math.min(Math.max(8, y - h / 2), window.innerHeight - h - 8);
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${top}px`;
}
