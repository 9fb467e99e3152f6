// Rules by group, each with its state, its alerts and what it says about itself.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { covers, type RoutedAlert, type Silence } from '../api/alertmanager.ts';
import { momentMs, type Delivery } from '../api/promlet.ts';
import { numeric, type ActiveAlert, type Labels, type Rule, type RuleGroup } from '../api/prometheus.ts';
import { href } from '../core/prefix.ts';
import { zone } from '../core/settings.ts';
import { formatMoment, humanDuration } from '../core/time.ts';
import { format } from '../core/units.ts';
import { Badge, Icon, IconButton, LabelSet, type Tone } from '../core/widgets.tsx';
import { queryLink } from '../query/url.ts';
import type { LabelIndex } from './labelindex.ts';
import { AlertStory } from './story.tsx';

export type RuleState = 'firing' | 'pending' | 'inactive' | 'unknown' | 'recording';
export const STATE_TONE: Record<RuleState, Tone> = { firing: 'bad', pending: 'warn', inactive: 'ok', unknown: 'muted', recording: 'muted' };
export const stateOf = (r: Rule): RuleState => (r.type === 'recording' ? 'recording' : (r.state ?? 'unknown'));

/** Rows that are drawn at first, and how many more at a time. */
const PAGE = 100;

/** Lower-case text of labels, to look for words in. */
export const textOf = (labels: Labels | undefined): string =>
  Object.entries(labels ?? {})
    .map(([k, v]) => `${k}="${v}"`)
    .join(' ')
    .toLowerCase();

export interface Context {
  now: number;
  silences: Silence[];
  routed: LabelIndex<RoutedAlert>;
  sent: LabelIndex<Delivery>;
  /** What is looked for: alerts without it are left out, unless their rule has it. */
  words: string[];
  onSilence: (labels: Labels, comment: string) => void;
}

/** Link or text: only http and https addresses become links. */
export function LinkedText({ text }: { text: string }): JSX.Element {
  const parts = text.split(/(https?:\/\/[^\s<>"']+)/g);
  return (
    <span class="wrap">
      {parts.map((p, i) =>
        i % 2 ? (
          <a key={i} href={p} target="_blank" rel="noreferrer">
            {p}
          </a>
        ) : (
          p
        ),
      )}
    </span>
  );
}

function Annotations({ annotations }: { annotations: Labels }): JSX.Element {
  return (
    <dl class="annotations">
      {Object.entries(annotations).map(([k, v]) => (
        <div key={k}>
          <dt>{k}</dt>
          <dd>
            <LinkedText text={v} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

const silencesOn = (labels: Labels, silences: Silence[]): Silence[] => silences.filter((s) => s.status.state === 'active' && covers(s.matchers, labels));

/** The latest delivery to each receiver that carried this alert. */
function Told({ labels, sent, now }: { labels: Labels; sent: LabelIndex<Delivery>; now: number }): JSX.Element | null {
  const latest = new Map<string, Delivery>();
  for (const d of sent.find(labels)) {
    const key = `${d.receiver} ${d.integration}`;
    if (!latest.has(key)) latest.set(key, d);
  }
  if (latest.size === 0) return null;
  return (
    <div class="told-list" data-testid="told">
      {[...latest].slice(0, 6).map(([key, d]) => (
        <span key={key} class={`told-one ${d.outcome}`} title={d.detail}>
          <Icon name={d.outcome === 'failed' ? 'warn' : 'mail'} />
          {d.receiver} <span class="dim">{d.integration}</span> {d.outcome === 'delivered' ? `told ${d.status}` : d.outcome} {humanDuration(Math.max(0, now - momentMs(d.at)))} ago
        </span>
      ))}
    </div>
  );
}

/** The first alerts, and a button for more: thousands of rows would hold the page up. */
export function AlertRows({ alerts, context, named = false }: { alerts: ActiveAlert[]; context: Context; named?: boolean }): JSX.Element {
  const [most, setMost] = useState(PAGE);
  const more = alerts.length - most;
  return (
    <>
      {alerts.slice(0, most).map((a) => (
        <AlertRow key={JSON.stringify(a.labels)} alert={a} context={context} named={named} />
      ))}
      {more > 0 && (
        <div class="more">
          <button type="button" class="button small" data-testid="more-alerts" onClick={() => setMost(most + PAGE)}>
            Show {Math.min(PAGE, more)} more
          </button>{' '}
          <span class="dim">
            {most} of {alerts.length} are shown; the filter above narrows them down
          </span>
        </div>
      )}
    </>
  );
}

function AlertRow({ alert, context, named }: { alert: ActiveAlert; context: Context; named: boolean }): JSX.Element {
  const silenced = silencesOn(alert.labels, context.silences);
  const routed = context.routed.find(alert.labels)[0];
  const [asked, setAsked] = useState(false);
  const since = alert.activeAt ? Date.parse(alert.activeAt) : NaN;
  return (
    <div class="alert" data-testid="alert" data-state={alert.state}>
      <div class="alert-top">
        <Badge tone={STATE_TONE[alert.state]}>{alert.state}</Badge>
        {silenced.length > 0 && (
          <Badge tone="muted" testid="silenced">
            silenced
          </Badge>
        )}
        {(routed?.status.inhibitedBy.length ?? 0) > 0 && <Badge tone="muted">inhibited</Badge>}
        {(routed?.status.mutedBy?.length ?? 0) > 0 && <Badge tone="muted">muted by time</Badge>}
        {named && <span class="rule-name">{alert.labels['alertname']}</span>}
        <LabelSet labels={alert.labels} skip={['alertname']} />
        <span class="grow" />
        {alert.value !== '' && (
          <span class="alert-value" title={`value ${alert.value}`}>
            {format(numeric(alert.value))}
          </span>
        )}
        {Number.isFinite(since) && (
          <span class="dim nowrap" title={formatMoment(since, zone.value === 'utc')}>
            for {humanDuration(Math.max(0, context.now - since))}
          </span>
        )}
        <button type="button" class="button small" data-testid="why-button" aria-expanded={asked} title="Why did I (not) hear of this?" onClick={() => setAsked(!asked)}>
          <Icon name="search" /> Who heard?
        </button>
        <button type="button" class="button small" data-testid="silence-button" onClick={() => context.onSilence(alert.labels, '')}>
          <Icon name="mute" /> Silence
        </button>
      </div>
      <Annotations annotations={alert.annotations} />
      <Told labels={alert.labels} sent={context.sent} now={context.now} />
      {routed && routed.receivers.length > 0 && <div class="goes-to dim">goes to {routed.receivers.map((r) => r.name).join(', ')}</div>}
      {asked && <AlertStory labels={alert.labels} />}
    </div>
  );
}

function RuleDetail({ rule, context }: { rule: Rule; context: Context }): JSX.Element {
  const alerts = rule.alerts ?? [];
  const order = { firing: 0, pending: 1, inactive: 2 };
  const about = [rule.name, rule.query, textOf(rule.labels)].join(' ').toLowerCase();
  const wanted = context.words.filter((w) => !about.includes(w));
  const found = wanted.length === 0 ? alerts : alerts.filter((a) => wanted.every((w) => textOf(a.labels).includes(w)));
  const sorted = [...(found.length > 0 ? found : alerts)].sort((a, b) => order[a.state] - order[b.state]);
  return (
    <div class="rule-detail">
      <div class="rule-query">
        <pre class="code">{rule.query}</pre>
        <a class="button small" href={href(queryLink(rule.query, 'graph'))}>
          <Icon name="search" /> Graph
        </a>
      </div>
      <div class="dim">
        {rule.type === 'alerting' && <>{rule.duration ? `pending for ${humanDuration(rule.duration * 1000)} before it fires` : 'fires at once'}, </>}
        {rule.keepFiringFor ? `keeps firing for ${humanDuration(rule.keepFiringFor * 1000)}, ` : ''}
        evaluated {rule.lastEvaluation && Date.parse(rule.lastEvaluation) > 0 ? `${humanDuration(Math.max(0, context.now - Date.parse(rule.lastEvaluation)))} ago` : 'never'} in {humanDuration(rule.evaluationTime * 1000)}
      </div>
      {rule.labels && Object.keys(rule.labels).length > 0 && <LabelSet labels={rule.labels} />}
      {rule.annotations && alerts.length === 0 && <Annotations annotations={rule.annotations} />}
      <AlertRows alerts={sorted} context={context} />
    </div>
  );
}

function RuleRow({ rule, context }: { rule: Rule; context: Context }): JSX.Element {
  const state = stateOf(rule);
  const [open, setOpen] = useState<boolean | null>(null);
  const shown = open ?? (state === 'firing' || state === 'pending' || rule.health === 'err');
  const alerts = rule.alerts ?? [];
  const quiet = alerts.length > 0 && alerts.every((a) => silencesOn(a.labels, context.silences).length > 0);
  return (
    <div class="rule" data-testid="rule" data-name={rule.name} data-state={state}>
      <div class="rule-head">
        <button type="button" class="rule-toggle" aria-expanded={shown} onClick={() => setOpen(!shown)}>
          <Icon name="chevron" class={shown ? 'down' : ''} />
          <Badge tone={STATE_TONE[state]} testid="rule-state">
            {state === 'recording' ? 'recording' : state}
          </Badge>
          <span class="rule-name">{rule.name}</span>
          {rule.labels?.['severity'] && <span class="severity">{rule.labels['severity']}</span>}
          {!shown && rule.annotations?.['summary'] && <span class="dim ellipsis">{alerts[0]?.annotations['summary'] ?? rule.annotations['summary']}</span>}
        </button>
        {quiet && <Badge tone="muted">silenced</Badge>}
        {alerts.length > 1 && <span class="dim nowrap">{alerts.length} alerts</span>}
        {rule.health === 'err' && <Badge tone="bad">error</Badge>}
        {rule.type === 'alerting' && <IconButton icon="mute" label={`Silence every ${rule.name}`} onClick={() => context.onSilence({ alertname: rule.name }, '')} />}
      </div>
      {rule.lastError && (
        <div class="message bad small" role="alert" data-testid="rule-error">
          <Icon name="warn" />
          <div class="wrap">{rule.lastError}</div>
        </div>
      )}
      {shown && <RuleDetail rule={rule} context={context} />}
    </div>
  );
}

export function Group({ group, rules, context }: { group: RuleGroup; rules: Rule[]; context: Context }): JSX.Element {
  return (
    <section class="card" data-testid="rule-group" data-group={group.name}>
      <div class="card-head">
        <h2>{group.name}</h2>
        <span class="dim ellipsis">{group.file}</span>
        <span class="grow" />
        <span class="dim nowrap">
          every {humanDuration(group.interval * 1000)}, took {humanDuration(group.evaluationTime * 1000)}
        </span>
      </div>
      {rules.map((r, i) => (
        <RuleRow key={`${r.name}/${i}`} rule={r} context={context} />
      ))}
    </section>
  );
}
