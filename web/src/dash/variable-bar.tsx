// The variables of a dashboard as fields above it.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Icon, Popover } from '../core/widgets.tsx';
import { ALL, type Resolved } from './variables.ts';

const MOST_LISTED = 200;

interface Props {
  resolved: Resolved[];
  onChoose: (name: string, values: string[]) => void;
}

export function VariableBar({ resolved, onChoose }: Props): JSX.Element | null {
  const shown = resolved.filter((r) => !r.variable.hidden);
  if (shown.length === 0) return null;
  return (
    <div class="variables" data-testid="variables">
      {shown.map((r) => (
        <div class="variable" key={r.variable.name} data-testid={`var-${r.variable.name}`}>
          <span class="variable-name" title={r.error ?? undefined}>
            {r.variable.label || r.variable.name}
            {r.error && <Icon name="warn" class="bad-text" />}
          </span>
          <Field r={r} onChoose={(values) => onChoose(r.variable.name, values)} />
        </div>
      ))}
    </div>
  );
}

function Field({ r, onChoose }: { r: Resolved; onChoose: (values: string[]) => void }): JSX.Element {
  const { variable: v } = r;
  if (v.kind === 'textbox') {
    return (
      <input
        class="input"
        aria-label={v.label || v.name}
        defaultValue={r.chosen[0] ?? ''}
        onBlur={(e) => e.currentTarget.value !== (r.chosen[0] ?? '') && onChoose([e.currentTarget.value])}
        onKeyDown={(e) => e.key === 'Enter' && onChoose([e.currentTarget.value])}
      />
    );
  }
  if (v.multi || r.choices.length > 60) return <Picker r={r} onChoose={onChoose} />;
  return (
    <select class="input" aria-label={v.label || v.name} value={r.chosen[0] ?? ''} onChange={(e) => onChoose([e.currentTarget.value])}>
      {r.choices.length === 0 && !v.includeAll && <option value={r.chosen[0] ?? ''}>{r.chosen[0] ?? 'none'}</option>}
      {v.includeAll && <option value={ALL}>All</option>}
      {r.choices.map((c) => (
        <option key={c.value} value={c.value}>
          {c.text}
        </option>
      ))}
    </select>
  );
}

/** A searchable list; with checkboxes where several may be chosen. */
function Picker({ r, onChoose }: { r: Resolved; onChoose: (values: string[]) => void }): JSX.Element {
  const { variable: v, choices, chosen } = r;
  const text = (value: string): string => (value === ALL ? 'All' : (choices.find((c) => c.value === value)?.text ?? value));
  const summary = chosen.length > 2 ? `${chosen.length} chosen` : chosen.map(text).join(' + ') || 'none';
  return (
    <Popover align="left" label={v.label || v.name} button={<span class="ellipsis">{summary}</span>}>
      {(close) => <PickerBody r={r} onChoose={onChoose} close={close} />}
    </Popover>
  );
}

function PickerBody({ r, onChoose, close }: { r: Resolved; onChoose: (values: string[]) => void; close: () => void }): JSX.Element {
  const { variable: v, choices, chosen } = r;
  const [search, setSearch] = useState('');
  const found = useMemo(() => choices.filter((c) => c.text.toLowerCase().includes(search.toLowerCase())), [choices, search]);
  const all = v.includeAll ? [{ text: 'All', value: ALL }] : [];
  const pick = (value: string): void => {
    if (!v.multi) {
      onChoose([value]);
      return close();
    }
    if (value === ALL) return onChoose([ALL]);
    const without = chosen.filter((c) => c !== ALL && c !== value);
    const next = chosen.includes(value) ? without : [...without, value];
    onChoose(next.length > 0 ? next : v.includeAll ? [ALL] : [value]);
  };
  return (
    <div class="picker">
      <input class="input" type="search" aria-label="search" placeholder="Search" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
      <ul role="listbox" aria-multiselectable={v.multi}>
        {[...all, ...found.slice(0, MOST_LISTED)].map((c) => (
          <li key={c.value}>
            <button type="button" role="option" aria-selected={chosen.includes(c.value)} onClick={() => pick(c.value)}>
              {c.text}
            </button>
          </li>
        ))}
      </ul>
      {found.length > MOST_LISTED && <p class="dim small">{found.length - MOST_LISTED} more: search</p>}
    </div>
  );
}
