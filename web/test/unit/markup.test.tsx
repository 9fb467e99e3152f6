// Text panels: what is written in a file never becomes more than text, known tags and safe links.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentChild, VNode } from 'preact';
import { Html, Markdown, safeUrl } from '../../src/dash/panels/markup.tsx';

/** A tree of elements as text, components unfolded: enough to see which tags and attributes come out. */
function written(node: ComponentChild): string {
  if (node === null || node === undefined || typeof node === 'boolean') return '';
  if (Array.isArray(node)) return node.map(written).join('');
  if (typeof node !== 'object') return String(node).replace(/</g, '\u27e8');
  const { type, props } = node as VNode<Record<string, unknown>>;
  if (typeof type === 'function') return written((type as (p: unknown) => ComponentChild)(props));
  const inner = written(props['children'] as ComponentChild);
  if (type === undefined || type === null || (type as unknown) === '') return inner;
  const attributes = Object.entries(props).filter(([k]) => k !== 'children').map(([k, v]) => ` ${k}="${String(v)}"`);
  return `<${String(type)}${attributes.join('')}>${inner}</${String(type)}>`;
}

const html = (source: string): string => written(Html({ source })).replace(/^<div class="prose">|<\/div>$/g, '');
const markdown = (source: string): string => written(Markdown({ source })).replace(/^<div class="prose">|<\/div>$/g, '');

test('html keeps known tags and drops the rest', () => {
  assert.equal(html('<h2 onclick="x()">A &amp; B</h2>'), '<h2>A & B</h2>');
  assert.equal(html('a<script>alert("</b>")</script>b<style>*{}</style>c'), 'abc');
  assert.equal(html('<img src=x onerror=alert(1) alt="pic">'), 'pic');
  assert.equal(html('<font color=red>red</font><blink>x</blink>'), 'redx');
  assert.equal(html('<b><i>x</b>y'), '<b><i>x</i></b>y');
  assert.equal(html('<!-- no --><p>x'), '<p>x</p>');
  assert.equal(html('1 < 2 &lt;b&gt; </p>'), '1 \u27e8 2 \u27e8b> ');
  assert.equal(html(`${'<div>'.repeat(500)}deep`).match(/<div>/g)!.length, 59);
});

test('links go to safe places only', () => {
  assert.equal(html('<a href="javascript:alert(1)">x</a>'), 'x');
  assert.equal(html("<a href=' JaVaScRiPt:alert(1)'>x</a>"), 'x');
  assert.equal(html('<a href="&#106;avascript:alert(1)">x</a>'), 'x');
  assert.equal(html('<a href="/query?g0.expr=up">x</a>'), '<a href="/query?g0.expr=up">x</a>');
  assert.match(html('<a href=https://h/x>x</a>'), /^<a href="https:\/\/h\/x" target="_blank" rel="noreferrer">x<\/a>$/);
  for (const bad of ['javascript:x', 'data:text/html,x', '//host/x', 'vbscript:x', ' java\nscript:x']) assert.equal(safeUrl(bad), null, bad);
});

test('markdown blocks and inline forms', () => {
  assert.equal(markdown('# T\n\ntext **b** `c` [l](/q)'), '<h1>T</h1><p>text <strong>b</strong> <code>c</code> <a href="/q">l</a></p>');
  assert.equal(markdown('- a\n- b\n  more\n\n1. x'), '<ul><li>a</li><li>b more</li></ul><ol><li>x</li></ol>');
  assert.equal(markdown('```\n<b>\n```'), '<pre class="code">\u27e8b></pre>');
  assert.equal(markdown('|a|b|\n|-|-|\n|1|2|'), '<table class="data"><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>');
  assert.equal(markdown('[x](javascript:alert(1))'), '<p>x)</p>');
  assert.equal(markdown('> q\n\n---'), '<blockquote>q</blockquote><hr></hr>');
});
