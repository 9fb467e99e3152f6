// A panel without data says which metric it lacks.
import type { JSX } from 'preact';
import { useLoad } from '../core/load.ts';
import { selectors } from '../query/lex.ts';
import { metricNames } from '../query/metrics.ts';
import { builtins, intoExpression, joinScopes, type Scope } from './interpolate.ts';
import type { Panel } from './model.ts';
import type { TimeSpan } from './variables.ts';

const MOST_NAMED = 3;

export function MissingHint({ panel, scope, span }: { panel: Panel; scope: Scope; span: TimeSpan }): JSX.Element {
  const missing = useLoad(async () => {
    const names = new Set(await metricNames());
    const full = joinScopes(builtins({ ...span, stepMs: 15e3, scrapeMs: 15e3 }), scope);
    const wanted = panel.targets.flatMap((t) => selectors(intoExpression(t.expr, full)).map((s) => s.metric));
    return [...new Set(wanted)].filter((m): m is string => m !== null && !names.has(m));
  }, [panel, scope]);
  const list = missing.data ?? [];
  return (
    <div class="panel-empty" data-testid="no-data">
      <p>{panel.defaults.noValue ?? 'No data'}</p>
      {list.length > 0 && (
        <p class="dim small wrap">
          {list.length === 1 ? 'There is no metric ' : 'There are no metrics '}
          {list.slice(0, MOST_NAMED).join(', ')}
          {list.length > MOST_NAMED ? ` and ${list.length - MOST_NAMED} more` : ''}.
        </p>
      )}
    </div>
  );
}
