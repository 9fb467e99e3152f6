// The expression editor: CodeMirror with PromQL colours and completion. Loaded when first needed.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus, startCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { AGGREGATORS, KEYWORDS } from '../query/lex.ts';
import { describe, labelsOf, metricMetadata, metricNames, valuesOf } from '../query/metrics.ts';
import { contextAt } from './context.ts';
import { AGGREGATIONS, FUNCTIONS } from './functions.ts';

const MOST_NAMES = 20_000;
const FUNCTION_NAMES = new Set(FUNCTIONS.map(([name]) => name));

interface Reading {
  braces: number;
}

const promql = StreamLanguage.define<Reading>({
  name: 'promql',
  startState: () => ({ braces: 0 }),
  token(stream, state) {
    if (stream.eatSpace()) return null;
    if (stream.match(/#.*/)) return 'comment';
    if (stream.match(/"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`[^`]*`?/)) return 'string';
    if (stream.match(/(?:\d+(?:ms|[smhdwy]))+|0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/)) return 'number';
    const word = stream.match(/[a-zA-Z_:][\w:]*/) as RegExpMatchArray | null;
    if (word) {
      const text = word[0];
      if (state.braces > 0) return 'propertyName';
      if (KEYWORDS.has(text)) return 'keyword';
      if (stream.match(/\s*\(/, false) || (AGGREGATORS.has(text) && stream.match(/\s+(by|without)\b/, false))) {
        return AGGREGATORS.has(text) || FUNCTION_NAMES.has(text) ? 'keyword' : 'variableName';
      }
      return 'variableName';
    }
    const char = stream.next();
    if (char === '{') state.braces++;
    if (char === '}') state.braces = 0;
    return char && /[=!~<>+\-*/%^@]/.test(char) ? 'operator' : 'punctuation';
  },
  languageData: { commentTokens: { line: '#' }, closeBrackets: { brackets: ['(', '[', '{', '"', "'"] } },
});

const colors = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-soft)', fontStyle: 'italic' },
  { tag: tags.string, color: 'var(--syntax-string)' },
  { tag: tags.number, color: 'var(--syntax-number)' },
  { tag: tags.keyword, color: 'var(--syntax-keyword)', fontWeight: '600' },
  { tag: tags.propertyName, color: 'var(--syntax-label)' },
  { tag: tags.variableName, color: 'var(--ink)' },
  { tag: tags.operator, color: 'var(--ink-soft)' },
  { tag: tags.punctuation, color: 'var(--ink-soft)' },
]);

const face = EditorView.theme({
  '&': { fontSize: '13.5px', backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '8px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 4px' },
  '.cm-scroller': { lineHeight: '1.5', fontFamily: 'var(--mono)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: 'none' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', border: '1px solid var(--line)', borderRadius: '8px', boxShadow: 'var(--shadow)', overflow: 'hidden' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '13px', maxHeight: '18em', minWidth: '22em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px', color: 'var(--ink)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--ink)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700', color: 'var(--accent-ink)' },
  '.cm-completionDetail': { color: 'var(--ink-soft)', fontStyle: 'normal', marginLeft: '1.5em' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-tooltip.cm-completionInfo': { padding: '8px 10px', maxWidth: '26em', color: 'var(--ink)', fontSize: '12.5px' },
});

const DURATIONS = ['30s', '1m', '5m', '10m', '15m', '30m', '1h', '6h', '12h', '1d', '1w'];
const OPERATORS = ['by', 'without', 'and', 'or', 'unless', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'bool'];

const called = ([name, detail, info]: readonly [string, string, string]): Completion => ({
  label: name,
  detail,
  info,
  type: 'function',
  apply: (view, _c, from, to) => {
    const open = view.state.sliceDoc(to, to + 1) === '(' ? '' : '()';
    view.dispatch({ changes: { from, to, insert: name + open }, selection: { anchor: from + name.length + (open ? 1 : 0) } });
  },
});

async function operands(): Promise<Completion[]> {
  const [names, meta] = await Promise.all([metricNames(), metricMetadata().catch(() => ({}))]);
  const metrics = names.slice(0, MOST_NAMES).map((name): Completion => {
    const m = describe(meta, name);
    return { label: name, type: 'variable', ...(m ? { detail: m.type, info: m.help } : {}) };
  });
  return [...metrics, ...FUNCTIONS.map(called), ...AGGREGATIONS.map(called)];
}

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const where = contextAt(context.state.doc.toString(), context.pos);
  const options = (labels: readonly string[], type: string): Completion[] => labels.slice(0, MOST_NAMES).map((label) => ({ label, type }));
  try {
    switch (where.at) {
      case 'label-name':
        return { from: where.from, options: options(await labelsOf(where.metric), 'property'), validFor: /^\w*$/ };
      case 'label-value':
        return { from: where.from, options: options(await valuesOf(where.label, where.metric), 'text'), validFor: /^[^"]*$/ };
      case 'duration':
        return { from: where.from, options: options(DURATIONS, 'constant').map((o, i) => ({ ...o, boost: -i })) };
      case 'operator':
        if (where.from === context.pos && !context.explicit) return null;
        return { from: where.from, options: options(OPERATORS, 'keyword'), validFor: /^\w*$/ };
      case 'operand':
        if (where.from === context.pos && !context.explicit) return null;
        return { from: where.from, options: await operands(), validFor: /^[\w:]*$/ };
      case 'nothing':
        return null;
    }
  } catch {
    return null; // The server is away: the person goes on writing without help.
  }
}

export interface Editor {
  setValue(text: string): void;
  focus(): void;
  destroy(): void;
}

export interface EditorOptions {
  value: string;
  label: string;
  onChange: (text: string) => void;
  onSubmit: (text: string) => void;
}

/**
 * Puts an editor into `host`. It lives in a shadow root, where CodeMirror adopts its style sheets
 * as objects: the page's content policy allows no style elements.
 */
export function createEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  root.replaceChildren();
  const submit = (view: EditorView): boolean => {
    if (completionStatus(view.state) === 'active') return false;
    options.onSubmit(view.state.doc.toString());
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.value,
      extensions: [
        history(),
        promql,
        syntaxHighlighting(colors),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ override: [complete], icons: false, maxRenderedOptions: 200, activateOnTypingDelay: 60 }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': options.label, 'data-testid': 'editor-content' }),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) options.onChange(u.state.doc.toString());
        }),
        face,
        Prec.high(keymap.of([{ key: 'Enter', run: submit }, { key: 'Mod-Enter', run: submit }, { key: 'Shift-Enter', run: insertNewlineAndIndent }, { key: 'Ctrl-Space', run: startCompletion }])),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
      ],
    }),
  });
  return {
    setValue: (text) => {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
