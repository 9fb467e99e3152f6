// Text panels: a plain subset of Markdown and of HTML, built as elements. Nothing is ever parsed
// into the live page: unknown tags become their text, scripts and styles vanish.
import type { ComponentChild, JSX } from 'preact';
import { createElement } from 'preact';

/** Only addresses that a person may follow; anything else, javascript: above all, is no link. */
export function safeUrl(url: string): string | null {
  const u = url.trim();
  return /^(https?:\/\/|mailto:|\/(?!\/)|#|\?)/i.test(u) ? u : null;
}

function Link({ url, children }: { url: string; children: ComponentChild }): JSX.Element {
  const safe = safeUrl(url);
  if (!safe) return <>{children}</>;
  const outside = /^https?:/i.test(safe);
  return (
    <a href={safe} {...(outside ? { target: '_blank', rel: 'noreferrer' } : {})}>
      {children}
    </a>
  );
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|\b_([^_]+)_\b|!\[([^\]]*)\]\(([^)\s]+)[^)]*\)|\[([^\]]+)\]\(([^)\s]+)[^)]*\)|<(https?:\/\/[^>\s]+)>|(https?:\/\/[^\s<>)]+)|<br\s*\/?>/;

function inline(source: string): ComponentChild[] {
  const out: ComponentChild[] = [];
  let rest = source;
  while (rest !== '') {
    const m = INLINE.exec(rest);
    if (!m) {
      out.push(rest);
      break;
    }
    if (m.index > 0) out.push(rest.slice(0, m.index));
    if (m[1] !== undefined) out.push(<code>{m[1]}</code>);
    else if (m[2] ?? m[3]) out.push(<strong>{inline((m[2] ?? m[3])!)}</strong>);
    else if (m[4] ?? m[5]) out.push(<em>{inline((m[4] ?? m[5])!)}</em>);
    else if (m[6] !== undefined) out.push(<span class="dim">{m[6] || 'image'}</span>);
    else if (m[8] !== undefined) out.push(<Link url={m[9]!}>{inline(m[8])}</Link>);
    else if (m[10] ?? m[11]) out.push(<Link url={(m[10] ?? m[11])!}>{(m[10] ?? m[11])!}</Link>);
    else out.push(<br />);
    rest = rest.slice(m.index + m[0].length);
  }
  return out;
}

function tableRow(line: string): string[] {
  return line.trim().replace(/^\||\|$/g, '').split('|').map((c) => c.trim());
}

/** Blocks: headings, lists, code, quotes, rules, tables, paragraphs. */
export function Markdown({ source }: { source: string }): JSX.Element {
  const lines = source.replace(/\r/g, '').split('\n');
  const out: ComponentChild[] = [];
  let i = 0;
  const take = (test: (l: string) => boolean): string[] => {
    const taken: string[] = [];
    while (i < lines.length && test(lines[i]!)) taken.push(lines[i++]!);
    return taken;
  };
  while (i < lines.length) {
    const line = lines[i]!;
    const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (line.trim() === '') i++;
    else if (/^\s*(```|~~~)/.test(line)) {
      i++;
      out.push(<pre class="code">{take((l) => !/^\s*(```|~~~)/.test(l)).join('\n')}</pre>);
      i++;
    } else if (heading) {
      out.push(createElement(`h${heading[1]!.length}`, null, inline(heading[2]!)));
      i++;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.push(<hr />);
      i++;
    } else if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) {
      const numbered = /^\s*\d/.test(line);
      const items = take((l) => /^\s*([-*+]|\d+[.)])\s+/.test(l) || (/^\s{2,}\S/.test(l) && l.trim() !== ''));
      const joined = items.reduce<string[]>((all, l) => (/^\s*([-*+]|\d+[.)])\s+/.test(l) ? [...all, l.replace(/^\s*([-*+]|\d+[.)])\s+/, '')] : [...all.slice(0, -1), `${all.at(-1) ?? ''} ${l.trim()}`]), []);
      out.push(createElement(numbered ? 'ol' : 'ul', null, joined.map((t) => <li>{inline(t)}</li>)));
    } else if (/^\s*>/.test(line)) {
      out.push(<blockquote>{inline(take((l) => /^\s*>/.test(l)).map((l) => l.replace(/^\s*>\s?/, '')).join(' '))}</blockquote>);
    } else if (line.includes('|') && /^\s*\|?\s*:?-+/.test(lines[i + 1] ?? '')) {
      const head = tableRow(line);
      i += 2;
      const rows = take((l) => l.includes('|')).map(tableRow);
      out.push(
        <table class="data">
          <thead>
            <tr>{head.map((h) => <th>{inline(h)}</th>)}</tr>
          </thead>
          <tbody>{rows.map((r) => <tr>{r.map((c) => <td>{inline(c)}</td>)}</tr>)}</tbody>
        </table>,
      );
    } else if (/^\s*<[a-z!/]/i.test(line)) {
      out.push(<Html source={take((l) => l.trim() !== '').join('\n')} />);
    } else {
      out.push(<p>{inline(take((l) => l.trim() !== '' && !/^\s*(```|#{1,6}\s|>)/.test(l)).join('\n'))}</p>);
    }
  }
  return <div class="prose">{out}</div>;
}

const KEPT = new Set(['a', 'b', 'strong', 'i', 'em', 'u', 'code', 'pre', 'p', 'div', 'span', 'br', 'hr', 'ul', 'ol', 'li', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'td', 'th', 'blockquote', 'center', 'small', 'sub', 'sup', 'dl', 'dt', 'dd', 'kbd', 'font']);
const GONE = new Set(['script', 'style', 'template', 'iframe', 'object', 'embed', 'link', 'meta', 'svg', 'noscript', 'title']);
const MOST_DEPTH = 60;

function rebuild(node: Node, depth: number): ComponentChild {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (node.nodeType !== Node.ELEMENT_NODE || depth > MOST_DEPTH) return null;
  const element = node as Element;
  const tag = element.tagName.toLowerCase();
  if (GONE.has(tag)) return null;
  if (tag === 'img') return element.getAttribute('alt') || null;
  const children = [...element.childNodes].map((c) => rebuild(c, depth + 1));
  if (tag === 'a') return <Link url={element.getAttribute('href') ?? ''}>{children}</Link>;
  if (tag === 'center') return <div class="centered">{children}</div>;
  return KEPT.has(tag) && tag !== 'font' ? createElement(tag, null, tag === 'br' || tag === 'hr' ? undefined : children) : <>{children}</>;
}

/** HTML read by the browser's own parser in a document that never runs, then rebuilt from known tags. */
export function Html({ source }: { source: string }): JSX.Element {
  const parsed = new DOMParser().parseFromString(source, 'text/html');
  return <div class="prose">{[...parsed.body.childNodes].map((n) => rebuild(n, 0))}</div>;
}
