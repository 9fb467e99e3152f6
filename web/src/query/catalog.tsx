// The catalogue of metrics: every name with its type and help, one click from the expression.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useLoad } from '../core/load.ts';
import { Badge, ErrorBox } from '../core/widgets.tsx';
import { describe, metricMetadata, metricNames } from './metrics.ts';

const MOST_LISTED = 300;

interface Props {
  onPick: (name: string) => void;
  onClose: () => void;
}

/** What one would first ask of a metric of this type. */
export function starter(name: string, type: string): string {
  if (type === 'counter') return `rate(${name}[5m])`;
  if (type === 'histogram' && name.endsWith('_bucket')) return `histogram_quantile(0.95, sum by (le) (rate(${name}[5m])))`;
  if (type === 'histogram' || (type === 'summary' && /_(sum|count)$/.test(name))) return `rate(${name}[5m])`;
  return name;
}

export function Catalog({ onPick, onClose }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [search, setSearch] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const loaded = useLoad(async () => {
    const [names, meta] = await Promise.all([metricNames(), metricMetadata().catch(() => ({}))]);
    return names.map((name) => ({ name, about: describe(meta, name) }));
  }, []);
  const found = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return (loaded.data ?? []).filter(({ name, about }) => words.every((w) => name.toLowerCase().includes(w) || (about?.help.toLowerCase().includes(w) ?? false)));
  }, [loaded.data, search]);
  return (
    <dialog ref={dialog} class="dialog catalog" onClose={onClose} aria-label="Metrics" data-testid="catalog">
      <div class="catalog-head">
        <h2>Metrics</h2>
        <input class="input grow" type="search" aria-label="search metrics" placeholder="Search names and descriptions" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      {loaded.error && <ErrorBox error={loaded.error} />}
      <ul class="catalog-list">
        {found.slice(0, MOST_LISTED).map(({ name, about }) => (
          <li key={name}>
            <button type="button" data-testid="metric" onClick={() => onPick(starter(name, about?.type ?? ''))}>
              <span class="catalog-name">
                <code>{name}</code>
                {about && about.type !== 'unknown' && <Badge tone="muted">{about.type}</Badge>}
              </span>
              {about?.help && <span class="dim small">{about.help}</span>}
            </button>
          </li>
        ))}
      </ul>
      <p class="dim small">
        {found.length} of {loaded.data?.length ?? 0} names{found.length > MOST_LISTED ? `, the first ${MOST_LISTED} listed` : ''}
      </p>
    </dialog>
  );
}
