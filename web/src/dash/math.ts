// Grafana's "math" expressions over other queries: `$A / $B * 100`. Pure.
import type { Frame } from './frames.ts';
import type { Target } from './model.ts';

type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'ref'; refId: string }
  | { kind: 'negate'; of: Expression }
  | { kind: 'binary'; op: string; left: Expression; right: Expression };

const MOST_DEPTH = 64;

/** Precedence climbing over + - * / %; null when the text is anything else. */
function parse(source: string): Expression | null {
  const tokens = source.match(/\$\{\w+\}|\$\w+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[-+*/%()]/g) ?? [];
  if (tokens.join('') !== source.replace(/\s+/g, '')) return null;
  let at = 0;
  const level: Record<string, number> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2 };
  const unary = (depth: number): Expression | null => {
    if (depth > MOST_DEPTH) return null;
    const t = tokens[at++];
    if (t === undefined) return null;
    if (t === '-') {
      const of = unary(depth + 1);
      return of && { kind: 'negate', of };
    }
    if (t === '(') {
      const inner = binary(0, depth + 1);
      return inner && tokens[at++] === ')' ? inner : null;
    }
    if (t.startsWith('$')) return { kind: 'ref', refId: t.replace(/[${}]/g, '') };
    return /^\d/.test(t) ? { kind: 'number', value: Number(t) } : null;
  };
  const binary = (least: number, depth: number): Expression | null => {
    let left = unary(depth);
    while (left && (level[tokens[at] ?? ''] ?? 0) > least) {
      const op = tokens[at++]!;
      const right = binary(level[op]!, depth + 1);
      if (!right) return null;
      left = { kind: 'binary', op, left, right };
    }
    return left;
  };
  const whole = binary(0, 0);
  return at === tokens.length ? whole : null;
}

interface Line {
  labels: Record<string, string>;
  points: Map<number, number>;
}

const OPERATIONS: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

/** Series join when one's labels are all among the other's, as Grafana unions them. */
function joins(a: Line, b: Line): boolean {
  const [small, large] = Object.keys(a.labels).length <= Object.keys(b.labels).length ? [a, b] : [b, a];
  return Object.entries(small.labels).every(([k, v]) => k === '__name__' || large.labels[k] === v);
}

function calculate(e: Expression, lines: ReadonlyMap<string, Line[]>): Line[] | number {
  if (e.kind === 'number') return e.value;
  if (e.kind === 'ref') return lines.get(e.refId) ?? [];
  const map = (list: Line[], f: (v: number) => number): Line[] => list.map((l) => ({ ...l, points: new Map([...l.points].map(([t, v]) => [t, f(v)])) }));
  if (e.kind === 'negate') {
    const of = calculate(e.of, lines);
    return typeof of === 'number' ? -of : map(of, (v) => -v);
  }
  const [a, b, op] = [calculate(e.left, lines), calculate(e.right, lines), OPERATIONS[e.op]!];
  if (typeof a === 'number') return typeof b === 'number' ? op(a, b) : map(b, (v) => op(a, v));
  if (typeof b === 'number') return map(a, (v) => op(v, b));
  return a.flatMap((x) =>
    b
      .filter((y) => joins(x, y))
      .map((y) => ({
        labels: { ...x.labels, ...y.labels },
        points: new Map([...x.points].filter(([t]) => y.points.has(t)).map(([t, v]) => [t, op(v, y.points.get(t)!)])),
      })),
  );
}

/** The frames of a math target, or why there are none. */
export function evaluateMath(target: Target, frames: readonly Frame[]): Frame[] | string {
  const expression = parse(target.math ?? '');
  if (!expression) return `the expression "${target.math}" is more than + - * / % over queries`;
  const lines = new Map<string, Line[]>();
  for (const f of frames) {
    const [time, value] = [f.fields.find((x) => x.type === 'time'), f.fields.find((x) => x.type === 'number')];
    if (!time || !value) continue;
    const points = new Map(time.values.map((t, i) => [Number(t), Number(value.values[i])]));
    lines.set(f.refId, [...(lines.get(f.refId) ?? []), { labels: value.labels, points }]);
  }
  const made = calculate(expression, lines);
  if (typeof made === 'number') return `the expression "${target.math}" names no query`;
  const stepMs = frames[0]?.stepMs ?? 0;
  return made.map((l) => {
    const { __name__: _, ...labels } = l.labels;
    const name = Object.entries(labels).map(([k, v]) => `${k}=${v}`).join(', ') || target.refId;
    const base = { display: null, refId: target.refId };
    return {
      refId: target.refId,
      name,
      stepMs,
      fields: [
        { ...base, name: 'Time', type: 'time', labels: {}, values: [...l.points.keys()] },
        { ...base, name: 'Value', type: 'number', labels, values: [...l.points.values()], display: name },
      ],
    };
  });
}
