// Silences: the dialog that makes one, and the list of those there are.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { covers, createSilence, expireSilence, matcherText, type Matcher, type Silence } from '../api/alertmanager.ts';
import type { Labels } from '../api/prometheus.ts';
import { recall, remember, zone } from '../core/settings.ts';
import { formatMoment, humanDuration, parseDuration } from '../core/time.ts';
import { toApiError } from '../core/load.ts';
import { Badge, ErrorBox, IconButton } from '../core/widgets.tsx';

const OPERATORS = ['=', '!=', '=~', '!~'] as const;
type Operator = (typeof OPERATORS)[number];
const operatorOf = (m: Matcher): Operator => ((m.isEqual ?? true) ? (m.isRegex ? '=~' : '=') : m.isRegex ? '!~' : '!=');

/** Matchers for a silence on one alert: all of its labels, so that it covers no other. */
export const matchersFor = (labels: Labels): Matcher[] =>
  Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }));

interface DialogProps {
  initial: Matcher[];
  comment: string;
  /** Label sets of the alerts there are, to say how many the silence would cover. */
  alerts: Labels[];
  onClose: () => void;
  onDone: () => void;
}

function MatcherRow({ matcher, onChange, onRemove }: { matcher: Matcher; onChange: (m: Matcher) => void; onRemove: () => void }): JSX.Element {
  return (
    <div class="matcher-row">
      <input class="input mono" aria-label="label" placeholder="label" value={matcher.name} onInput={(e) => onChange({ ...matcher, name: e.currentTarget.value })} />
      <select
        class="input mono"
        aria-label="comparison"
        value={operatorOf(matcher)}
        onChange={(e) => {
          const op = e.currentTarget.value as Operator;
          onChange({ ...matcher, isRegex: op.includes('~'), isEqual: op.startsWith('=') });
        }}
      >
        {OPERATORS.map((o) => (
          <option key={o}>{o}</option>
        ))}
      </select>
      <input class="input mono" aria-label="value" placeholder="value" value={matcher.value} onInput={(e) => onChange({ ...matcher, value: e.currentTarget.value })} />
      <IconButton icon="close" label={`remove matcher ${matcher.name}`} onClick={onRemove} />
    </div>
  );
}

export function SilenceDialog(props: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [matchers, setMatchers] = useState(props.initial);
  const [duration, setDuration] = useState('2h');
  const [author, setAuthor] = useState(recall('author') ?? '');
  const [comment, setComment] = useState(props.comment);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const ms = parseDuration(duration);
  const usable = matchers.filter((m) => m.name !== '');
  const covered = usable.length === 0 ? 0 : props.alerts.filter((labels) => covers(usable, labels)).length;
  const submit = async (): Promise<void> => {
    if (!ms) return setError(`"${duration}" is no duration: write 30m, 2h or 1d.`);
    if (usable.length === 0) return setError('A silence needs at least one matcher.');
    setBusy(true);
    setError(null);
    try {
      const now = Date.now();
      remember('author', author);
      await createSilence({ matchers: usable, startsAt: new Date(now).toISOString(), endsAt: new Date(now + ms).toISOString(), createdBy: author || 'web', comment });
      props.onDone();
    } catch (cause) {
      setError(toApiError(cause).message);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="dialog" onClose={props.onClose} data-testid="silence-dialog" aria-label="New silence">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <h2>New silence</h2>
        <p class="dim">While it lasts, alerts that match every line are not announced to anybody.</p>
        {matchers.map((m, i) => (
          <MatcherRow key={i} matcher={m} onChange={(n) => setMatchers(matchers.map((o, k) => (k === i ? n : o)))} onRemove={() => setMatchers(matchers.filter((_, k) => k !== i))} />
        ))}
        <button type="button" class="button small" onClick={() => setMatchers([...matchers, { name: '', value: '', isRegex: false, isEqual: true }])}>
          Add matcher
        </button>
        <div class="field-row">
          <label>
            For
            <input class="input short" value={duration} aria-invalid={!ms} data-testid="silence-duration" onInput={(e) => setDuration(e.currentTarget.value)} />
          </label>
          <label>
            By
            <input class="input" value={author} placeholder="your name" data-testid="silence-author" onInput={(e) => setAuthor(e.currentTarget.value)} />
          </label>
          <label class="grow">
            Why
            <input class="input" value={comment} autofocus={props.initial.some((m) => m.value !== '')} placeholder="comment" data-testid="silence-comment" onInput={(e) => setComment(e.currentTarget.value)} />
          </label>
        </div>
        {error && <ErrorBox error={error} />}
        <div class="dialog-foot">
          <span class="dim" data-testid="silence-covers">
            covers {covered} of {props.alerts.length} active alerts
          </span>
          <span class="grow" />
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={busy} data-testid="silence-create">
            Silence
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface ListProps {
  silences: Silence[];
  now: number;
  showExpired: boolean;
  onChanged: () => void;
  onAgain: (s: Silence) => void;
}

const TONES = { active: 'info', pending: 'warn', expired: 'muted' } as const;

export function SilenceList({ silences, now, showExpired, onChanged, onAgain }: ListProps): JSX.Element {
  const [error, setError] = useState<string | null>(null);
  const utc = zone.value === 'utc';
  const shown = silences.filter((s) => showExpired || s.status.state !== 'expired');
  const expire = async (id: string): Promise<void> => {
    try {
      await expireSilence(id);
      setError(null);
      onChanged();
    } catch (cause) {
      setError(toApiError(cause).message);
    }
  };
  const ends = (s: Silence): string => {
    const left = Date.parse(s.endsAt) - now;
    if (s.status.state === 'pending') return `begins in ${humanDuration(Date.parse(s.startsAt) - now)}`;
    return left > 0 ? `${humanDuration(left)} left` : `ended ${humanDuration(-left)} ago`;
  };
  return (
    <>
      {error && <ErrorBox error={error} />}
      {shown.length === 0 && <p class="empty dim">No silence is active.</p>}
      {shown.map((s) => (
        <div class="silence" key={s.id} data-testid="silence" data-state={s.status.state}>
          <Badge tone={TONES[s.status.state]}>{s.status.state}</Badge>
          <div class="grow">
            <div class="matchers">
              {s.matchers.map((m, i) => (
                <code key={i}>{matcherText(m)}</code>
              ))}
            </div>
            <div class="dim">
              {s.comment && <>{s.comment}, </>}
              {s.createdBy || 'nobody named'}, <span title={formatMoment(Date.parse(s.endsAt), utc)}>{ends(s)}</span>
            </div>
          </div>
          {s.status.state === 'expired' ? (
            <button type="button" class="button small" onClick={() => onAgain(s)}>
              Again
            </button>
          ) : (
            <button type="button" class="button small" data-testid="expire" onClick={() => void expire(s.id)}>
              Expire
            </button>
          )}
        </div>
      ))}
    </>
  );
}
