// A small PromQL tokenizer: enough for highlighting, completion and hints. It never fails.

export type Kind = 'space' | 'comment' | 'string' | 'number' | 'word' | 'operator' | 'open' | 'close' | 'comma' | 'bad';

export interface Token {
  kind: Kind;
  text: string;
  start: number;
  end: number;
}

const RULES: readonly [Kind, RegExp][] = [
  ['space', /\s+/y],
  ['comment', /#[^\n]*/y],
  ['string', /"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?|`[^`]*`?/y],
  ['number', /(?:\d+(?:ms|[smhdwy]))+|0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:ms|[smhdwy])?/y],
  // A colon before a digit parts the steps of a subquery.
  ['word', /(?:[a-zA-Z_]|:(?!\d))[\w:]*/y],
  ['operator', /=~|!~|!=|==|<=|>=|[-+*/%^=<>@]/y],
  ['open', /[({[]/y],
  ['close', /[)}\]]/y],
  ['comma', /[,:]/y],
  ['bad', /[^]/y],
];

export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    for (const [kind, rule] of RULES) {
      rule.lastIndex = at;
      const m = rule.exec(text);
      if (!m || m[0].length === 0) continue;
      tokens.push({ kind, text: m[0], start: at, end: at + m[0].length });
      at += m[0].length;
      break;
    }
  }
  return tokens;
}

export const AGGREGATORS = new Set([
  'sum', 'min', 'max', 'avg', 'group', 'stddev', 'stdvar', 'count', 'count_values', 'bottomk', 'topk', 'quantile', 'limitk', 'limit_ratio',
]);
export const KEYWORDS = new Set([
  'and', 'or', 'unless', 'atan2', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'bool',
]);
/** Words after which a parenthesis holds label names. */
export const GROUPINGS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);

export interface Selector {
  metric: string | null;
  text: string;
  matchers: { name: string; op: string; value: string }[];
  range: string | null;
}

const ESCAPES: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([^]))/g;

/** A string as Go writes it, without its quotes. */
const unquote = (s: string): string => {
  const body = s.length > 1 && s.endsWith(s[0]!) ? s.slice(1, -1) : s.slice(1);
  if (s.startsWith('`')) return body;
  return body.replace(ESCAPE, (all, hex?: string, short?: string, long?: string, octal?: string, letter?: string) => {
    if (letter !== undefined) return ESCAPES[letter] ?? letter;
    const code = octal === undefined ? parseInt(hex ?? short ?? long ?? '', 16) : parseInt(octal, 8);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
};

/** Words that stand for label names, keywords or functions: no metric begins there. */
function isMetric(tokens: readonly Token[], i: number): boolean {
  const t = tokens[i]!;
  if (t.kind !== 'word' || KEYWORDS.has(t.text) || /^(inf|nan)$/i.test(t.text)) return false;
  const next = tokens[i + 1];
  if (next?.text === '(') return false;
  return !(AGGREGATORS.has(t.text) && next !== undefined && GROUPINGS.has(next.text));
}

/** The vector selectors of an expression, by a reading that is good enough for hints. */
export function selectors(expr: string): Selector[] {
  const tokens = lex(expr).filter((t) => t.kind !== 'space' && t.kind !== 'comment');
  const found: Selector[] = [];
  let labelDepth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const t = tokens[i]!;
    if (labelDepth > 0) {
      if (t.text === ')') labelDepth = 0;
      continue;
    }
    if (t.kind === 'word' && GROUPINGS.has(t.text) && tokens[i + 1]?.text === '(') {
      labelDepth = 1;
      continue;
    }
    const metric = isMetric(tokens, i) ? t.text : null;
    if (metric === null && t.text !== '{') continue;
    const begin = t.start;
    let k = metric === null ? i : i + 1;
    const matchers: Selector['matchers'] = [];
    let end = t.end;
    if (tokens[k]?.text === '{') {
      for (k++; k < tokens.length && tokens[k]!.text !== '}'; k++) {
        const [name, op, value] = [tokens[k]!, tokens[k + 1], tokens[k + 2]];
        if (op?.kind === 'operator' && value?.kind === 'string') {
          matchers.push({ name: name.kind === 'string' ? unquote(name.text) : name.text, op: op.text, value: unquote(value.text) });
          k += 2;
        } else if (name.kind === 'string') {
          matchers.push({ name: '__name__', op: '=', value: unquote(name.text) });
        }
      }
      end = tokens[Math.min(k, tokens.length - 1)]!.end;
      k++;
    }
    const range = tokens[k]?.text === '[' && tokens[k + 1] ? tokens[k + 1]!.text : null;
    found.push({ metric, text: expr.slice(begin, end), matchers, range });
    i = k - 1;
  }
  return found;
}
