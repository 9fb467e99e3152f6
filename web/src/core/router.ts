// Where we are: path and query parameters, mirrored in signals, so that every page state is a link.
import { batch, signal } from '@preact/signals';
import { prefix } from './prefix.ts';

export const path = signal(currentPath());
export const params = signal(new URLSearchParams(location.search));

function currentPath(): string {
  const full = location.pathname;
  return full.startsWith(prefix) ? full.slice(prefix.length) || '/' : full;
}

function readLocation(): void {
  batch(() => {
    path.value = currentPath();
    params.value = new URLSearchParams(location.search);
  });
}

/** Goes to a path with parameters; `replace` leaves no entry in the history. */
export function go(to: string, query?: URLSearchParams, replace = false): void {
  const text = query?.toString() ?? '';
  const url = prefix + to + (text ? (to.includes('?') ? '&' : '?') + text : '');
  if (url === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  readLocation();
  if (!replace) window.scrollTo(0, 0);
}

/** Changes some parameters of the present page; null removes one. */
export function setParams(changes: Record<string, string | string[] | null>, replace = false): void {
  const next = new URLSearchParams(params.value);
  for (const [key, value] of Object.entries(changes)) {
    next.delete(key);
    if (Array.isArray(value)) for (const one of value) next.append(key, one);
    else if (value !== null) next.set(key, value);
  }
  const text = next.toString();
  const url = prefix + path.value + (text ? `?${text}` : '');
  if (url === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  params.value = next;
}

/** Links to our own pages change the page without loading it anew. */
export function followLinks(isPage: (path: string) => boolean): void {
  window.addEventListener('popstate', readLocation);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
    if (link.getAttribute('href')?.startsWith('#')) return;
    const inside = link.pathname.startsWith(prefix) ? link.pathname.slice(prefix.length) || '/' : null;
    if (inside === null || !isPage(inside)) return;
    event.preventDefault();
    go(inside + link.search);
  });
}
