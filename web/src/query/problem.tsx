// Errors, warnings and hints under an expression.
import type { JSX } from 'preact';
import type { ApiError } from '../api/prometheus.ts';
import { useLoad } from '../core/load.ts';
import { Icon, Message } from '../core/widgets.tsx';
import { whyEmpty } from './why.ts';

/** "1:7: parse error: …" split into its place and what is wrong. */
export function placeOf(message: string): { line: number; column: number; text: string } | null {
  const m = /(?:^|\s)(\d+):(\d+): (?:parse error: )?([^]*)$/.exec(message);
  return m ? { line: Number(m[1]), column: Number(m[2]), text: m[3]! } : null;
}

export function QueryError({ error, expr }: { error: ApiError; expr: string }): JSX.Element {
  const place = placeOf(error.message);
  const line = place ? expr.split('\n')[place.line - 1] : undefined;
  const start = place ? Math.max(0, place.column - 60) : 0;
  return (
    <div class="message bad" role="alert" data-testid="query-error">
      <Icon name="warn" />
      <div>
        <div class="wrap">{error.message}</div>
        {place && line !== undefined && (
          <pre class="caret" data-testid="caret">
            {`${start > 0 ? '\u2026' : ''}${line.slice(start, start + 120)}\n${' '.repeat(Math.max(0, place.column - 1 - start) + (start > 0 ? 1 : 0))}^`}
          </pre>
        )}
        {error.hint !== '' && (
          <div class="hint" data-testid="query-hint">
            {error.hint}
          </div>
        )}
      </div>
    </div>
  );
}

export function Remarks({ warnings, infos }: { warnings: string[]; infos: string[] }): JSX.Element | null {
  if (warnings.length + infos.length === 0) return null;
  return (
    <>
      {warnings.length > 0 && (
        <Message tone="warn" icon="warn" testid="query-warnings">
          {warnings.map((w) => (
            <div key={w}>{w}</div>
          ))}
        </Message>
      )}
      {infos.length > 0 && (
        <Message tone="info" testid="query-infos">
          {infos.map((w) => (
            <div key={w}>{w}</div>
          ))}
        </Message>
      )}
    </>
  );
}

/** Shown in place of an empty result, with the reason as far as it can be found. */
export function Empty({ expr, atMs }: { expr: string; atMs: number }): JSX.Element {
  const why = useLoad(() => whyEmpty(expr, atMs), [expr, Math.round(atMs / 60000)]);
  return (
    <div class="empty" data-testid="empty-result">
      <strong>No data</strong>
      {why.loading && !why.data && <span class="dim">looking for the reason</span>}
      {why.data?.said.map((line) => (
        <p key={line} data-testid="why-empty">
          {line}
        </p>
      ))}
      {why.data && why.data.tree.length > 1 && (
        <details data-testid="why-tree">
          <summary>What each part gave</summary>
          <pre class="caret">{why.data.tree.join('\n')}</pre>
        </details>
      )}
    </div>
  );
}
