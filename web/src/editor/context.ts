// What could be written at a place in an expression. Pure: completion asks the server afterwards.
import { GROUPINGS, lex, type Token } from '../query/lex.ts';

export type Context =
  | { at: 'label-value'; label: string; metric: string | null; from: number }
  | { at: 'label-name'; metric: string | null; from: number }
  | { at: 'duration'; from: number }
  | { at: 'operand'; from: number }
  | { at: 'operator'; from: number }
  | { at: 'nothing' };

interface Open {
  token: Token;
  index: number;
}

function openBrackets(tokens: readonly Token[]): Open | null {
  const stack: Open[] = [];
  tokens.forEach((token, index) => {
    if (token.kind === 'open') stack.push({ token, index });
    if (token.kind === 'close') stack.pop();
  });
  return stack.at(-1) ?? null;
}

const metricBefore = (tokens: readonly Token[], index: number): string | null => {
  const before = tokens[index - 1];
  return before?.kind === 'word' ? before.text : null;
};

/** The metric inside the parentheses that follow a grouping, for `sum by (|) (metric)`. */
function metricOf(text: string, at: number): string | null {
  const words = lex(text.slice(at)).filter((t) => t.kind !== 'space');
  const hit = words.find((t, i) => t.kind === 'word' && t.text.length > 2 && words[i + 1]?.text !== '(' && !GROUPINGS.has(t.text) && words[i - 1]?.text !== ',');
  return hit && words.some((t) => t.text === '(') ? hit.text : null;
}

export function contextAt(text: string, at: number): Context {
  const all = lex(text.slice(0, at)).filter((t) => t.kind !== 'space');
  const last = all.at(-1);
  if (last?.kind === 'comment' && last.end === at) return { at: 'nothing' };
  const word = last && last.end === at && (last.kind === 'word' || last.kind === 'number') ? last : null;
  const from = word ? word.start : at;
  const tokens = word ? all.slice(0, -1) : all;
  const open = openBrackets(tokens);
  const before = tokens.at(-1);
  if (open?.token.text === '{') {
    const metric = metricBefore(tokens, open.index);
    const [name, op, value] = [tokens.at(-3), tokens.at(-2), tokens.at(-1)];
    if (value?.kind === 'string' && op?.kind === 'operator' && name && value.end >= at && !(value.text.length > 1 && value.text.endsWith(value.text[0]!))) {
      return { at: 'label-value', label: name.text, metric, from: value.start + 1 };
    }
    if (before?.text === '{' || before?.kind === 'comma') return { at: 'label-name', metric, from };
    return { at: 'nothing' };
  }
  if (open?.token.text === '[' || before?.text === 'offset') return { at: 'duration', from };
  if (open?.token.text === '(' && GROUPINGS.has(tokens[open.index - 1]?.text ?? '')) {
    return before?.kind === 'word' ? { at: 'nothing' } : { at: 'label-name', metric: metricOf(text, at), from };
  }
  if (last?.kind === 'string' && last.end >= at) return { at: 'nothing' };
  if (word?.kind === 'number') return { at: 'nothing' };
  const ends = before && (before.kind === 'close' || before.kind === 'number' || (before.kind === 'word' && !GROUPINGS.has(before.text) && !/^(and|or|unless|bool|atan2)$/.test(before.text)));
  return ends ? { at: 'operator', from } : { at: 'operand', from };
}
