// Where panels stand: repeats expanded, then packed upwards as Grafana's grid does. Pure.
import type { Scope } from './interpolate.ts';
import { joinScopes, single } from './interpolate.ts';
import type { Box, Panel, Section } from './model.ts';

export interface Placed {
  panel: Panel;
  box: Box;
  scope: Scope;
  /** Tells repeats of one panel apart. */
  key: string;
}

export interface PlacedSection {
  key: string;
  row: Section['row'];
  scope: Scope;
  panels: Placed[];
}

const MOST_REPEATS = 64;

const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/** Moves every panel up until it meets another. */
export function pack(placed: readonly Placed[]): Placed[] {
  const sorted = [...placed].sort((a, b) => a.box.y - b.box.y || a.box.x - b.box.x);
  const done: Placed[] = [];
  for (const p of sorted) {
    let top = 0;
    for (const q of done) {
      if (q.box.x < p.box.x + p.box.w && p.box.x < q.box.x + q.box.w) {
        // A panel may rise past a higher one only where nothing lies between: it lands under the lowest it would cross.
        if (q.box.y <= p.box.y || overlap(p.box, q.box)) top = Math.max(top, q.box.y + q.box.h);
      }
    }
    done.push({ ...p, box: { ...p.box, y: top } });
  }
  return done;
}

function valuesFor(scope: Scope, name: string): { value: string; text: string }[] {
  const bound = scope.get(name);
  if (!bound) return [];
  return bound.values.slice(0, MOST_REPEATS).map((value, i) => ({ value, text: bound.texts.length === bound.values.length ? bound.texts[i]! : value }));
}

const withValue = (scope: Scope, name: string, v: { value: string; text: string }): Scope =>
  joinScopes(scope, new Map([[name, { ...single(v.value), texts: [v.text], many: scope.get(name)?.many ?? false }]]));

function repeatPanel(p: Panel, scope: Scope): Placed[] {
  const values = p.repeat ? valuesFor(scope, p.repeat) : [];
  if (!p.repeat || values.length === 0) return [{ panel: p, box: p.box, scope, key: String(p.id) }];
  const perRow = p.repeatVertical ? 1 : Math.min(values.length, p.maxPerRow);
  const w = p.repeatVertical ? p.box.w : Math.floor(24 / perRow);
  return values.map((v, i) => ({
    panel: p,
    scope: withValue(scope, p.repeat!, v),
    key: `${p.id}/${v.value}`,
    box: { w, h: p.box.h, x: p.repeatVertical ? p.box.x : (i % perRow) * w, y: p.box.y + Math.floor(i / perRow) * p.box.h },
  }));
}

function placePanels(panels: readonly Panel[], scope: Scope): Placed[] {
  const out: Placed[] = [];
  let pushed = 0;
  let lastTop = -1;
  let grown = 0;
  const sorted = [...panels].sort((a, b) => a.box.y - b.box.y || a.box.x - b.box.x);
  for (const p of sorted) {
    if (p.box.y !== lastTop) {
      pushed += grown;
      grown = 0;
      lastTop = p.box.y;
    }
    const copies = repeatPanel(p, scope).map((c) => ({ ...c, box: { ...c.box, y: c.box.y + pushed } }));
    const bottom = Math.max(...copies.map((c) => c.box.y + c.box.h));
    grown = Math.max(grown, bottom - (p.box.y + pushed + p.box.h));
    out.push(...copies);
  }
  return pack(out);
}

export function place(sections: readonly Section[], scope: Scope): PlacedSection[] {
  return sections.flatMap((s, i) => {
    const values = s.row?.repeat ? valuesFor(scope, s.row.repeat) : [];
    if (values.length === 0) return [{ key: String(i), row: s.row, scope, panels: placePanels(s.panels, scope) }];
    return values.map((v) => {
      const own = withValue(scope, s.row!.repeat!, v);
      const panels = placePanels(s.panels, own).map((p) => ({ ...p, key: `${p.key}@${v.value}` }));
      return { key: `${i}/${v.value}`, row: s.row, scope: own, panels };
    });
  });
}
