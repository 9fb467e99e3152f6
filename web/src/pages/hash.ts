// Alertmanager's own addresses (#/alerts, #/silences/…), which notification templates link to, as ours.
import { selectors } from '../query/lex.ts';

/** The page and parameters for a fragment of Alertmanager's UI; null when it is none of its. */
export function fromAlertmanager(hash: string): { path: string; params: URLSearchParams } | null {
  const m = /^#\/(alerts|silences)(?:\/([^?]*))?(?:\?(.*))?$/.exec(hash);
  if (!m) return null;
  const given = new URLSearchParams(m[3] ?? '');
  const filter = given.get('filter') ?? '';
  const params = new URLSearchParams();
  if (m[1] === 'alerts') {
    const words = (selectors(filter)[0]?.matchers ?? []).filter((x) => x.op === '=').map((x) => `${x.name}=${JSON.stringify(x.value)}`);
    if (words.length > 0) params.set('search', words.join(' '));
    return { path: '/alerts', params };
  }
  params.set('tab', 'silences');
  if (m[2] === 'new') params.set('silence', filter || '{}');
  else if (m[2]) params.set('expired', '1');
  return { path: '/alerts', params };
}
