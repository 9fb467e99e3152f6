// Text panels: a plain subset of Markdown and of HTML, built as elements. Nothing is ever parsed
// into the page by the browser: unknown tags become their text, scripts and styles vanish.
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

const KEPT = new Set(['a', 'b', 'strong', 'i', 'em', 'u', 'code', 'pre', 'p', 'div', 'span', 'br', 'hr', 'ul', 'ol', 'li', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'td', 'th', 'blockquote', 'center', 'small', 'sub', 'sup', 'dl', 'dt', 'dd', 'kbd']);
/** Elements whose content goes with them. */
const GONE = new Set(['script', 'style', 'template', 'iframe', 'object', 'embed', 'svg', 'noscript', 'title', 'head', 'textarea', 'select', 'video', 'audio', 'canvas']);
const VOID = new Set(['br', 'hr', 'img', 'link', 'meta', 'input', 'wbr', 'col', 'source', 'area', 'base']);
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '\u00a9', mdash: '\u2014', ndash: '\u2013', hellip: '\u2026', rarr: '\u2192', larr: '\u2190', bull: '\u2022', middot: '\u00b7', times: '\u00d7', deg: '\u00b0', micro: '\u00b5' };
const MOST_DEPTH = 60;

function decoded(source: string): string {
  return source.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w+));/g, (all, dec: string, hex: string, name: string) => {
    if (name) return ENTITIES[name] ?? all;
    const code = dec ? Number(dec) : parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}

interface Open {
  tag: string;
  url: string;
  children: ComponentChild[];
}

function closed(o: Open): ComponentChild {
  if (GONE.has(o.tag)) return null;
  if (o.tag === 'a') return <Link url={o.url}>{o.children}</Link>;
  if (o.tag === 'center') return <div class="centered">{o.children}</div>;
  return KEPT.has(o.tag) ? createElement(o.tag, null, o.children) : <>{o.children}</>;
}

const attribute = (attributes: string, name: string): string => {
  const m = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(attributes);
  return decoded(m?.[1] ?? m?.[2] ?? m?.[3] ?? '');
};

/** HTML read by a small tokenizer and rebuilt from known tags; of attributes only `href` and `alt` are looked at. */
export function Html({ source }: { source: string }): JSX.Element {
  const root: Open = { tag: '', url: '', children: [] };
  const stack: Open[] = [root];
  const top = (): Open => stack[stack.length - 1]!;
  const pop = (): void => {
    const done = stack.pop()!;
    top().children.push(closed(done));
  };
  let at = 0;
  const rule = /<!--[^]*?(?:-->|$)|<![^>]*>|<(\/?)([a-zA-Z][\w-]*)((?:\s+(?:"[^"]*"|'[^']*'|[^"'>])*)?)\/?>/g;
  for (let m = rule.exec(source); m; m = rule.exec(source)) {
    if (m.index > at) top().children.push(decoded(source.slice(at, m.index)));
    at = rule.lastIndex;
    const tag = m[2]?.toLowerCase();
    if (tag === undefined) continue;
    if (m[1] === '/') {
      if (stack.some((o, i) => i > 0 && o.tag === tag)) {
        while (top().tag !== tag) pop();
        pop();
      }
    } else if (VOID.has(tag)) {
      if (tag === 'br' || tag === 'hr') top().children.push(createElement(tag, null));
      if (tag === 'img') top().children.push(attribute(m[3] ?? '', 'alt'));
    } else if (stack.length < MOST_DEPTH) {
      stack.push({ tag, url: attribute(m[3] ?? '', 'href'), children: [] });
      if (tag === 'script' || tag === 'style') {
        const end = source.toLowerCase().indexOf(`</${tag}`, at);
        rule.lastIndex = at = end < 0 ? source.length : end;
      }
    }
  }
  if (at < source.length) top().children.push(decoded(source.slice(at)));
  while (stack.length > 1) pop();
  return <div class="prose">{root.children}</div>;
}
