// The alerts page: rules, silences and deliveries on one screen.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { routedAlerts, silences as askSilences, type Matcher } from '../api/alertmanager.ts';
import { get, type Labels, type Rule, type RuleGroup } from '../api/prometheus.ts';
import { deliveries as askDeliveries, overview } from '../api/promlet.ts';
import { useLoad } from '../core/load.ts';
import { useNow } from '../core/now.ts';
import { params, setParams } from '../core/router.ts';
import { visible } from '../core/settings.ts';
import { Badge, ErrorBox, Icon, Message, Segmented } from '../core/widgets.tsx';
import { selectors } from '../query/lex.ts';
import { Deliveries } from './deliveries.tsx';
import { DemoScript } from './demo.tsx';
import { Elsewhere, elsewhere } from './elsewhere.tsx';
import { LabelIndex } from './labelindex.ts';
import { Group, stateOf, textOf, type RuleState } from './rules.tsx';
import { matchersFor, SilenceDialog, SilenceList } from './silence.tsx';

const REFRESH_MS = 4000;
const ORDER: Record<RuleState, number> = { firing: 0, pending: 1, unknown: 2, inactive: 3, recording: 4 };
type Tab = 'rules' | 'silences' | 'deliveries';
type Filter = 'all' | 'firing' | 'pending' | 'inactive' | 'recording';

function found(rule: Rule, group: RuleGroup, words: string[]): boolean {
  if (words.length === 0) return true;
  const about = [rule.name, group.name, rule.query, textOf(rule.labels)].join(' ').toLowerCase();
  const wanted = words.filter((w) => !about.includes(w));
  return wanted.length === 0 || (rule.alerts ?? []).some((a) => wanted.every((w) => textOf(a.labels).includes(w)));
}

function NobodyToldNotice(): JSX.Element | null {
  const about = overview.value?.alerting;
  if (!about || about.configured) return null;
  return (
    <Message tone="warn" icon="bell" testid="not-configured">
      <strong>Nobody will be told.</strong>{' '}
      {about.hint === '' && 'Alerts are evaluated and shown here, but there is no alertmanager.yml that says whom to notify.'}
      {about.hint.split('\n\n').map((part, i) => (part.includes('\n') ? <pre class="code" key={i}>{part}</pre> : <span key={i}>{part}</span>))}
    </Message>
  );
}

function count(groups: RuleGroup[]): Record<Filter, number> {
  const out: Record<Filter, number> = { all: 0, firing: 0, pending: 0, inactive: 0, recording: 0 };
  for (const rule of groups.flatMap((g) => g.rules)) {
    out.all++;
    const state = stateOf(rule);
    if (state !== 'unknown') out[state]++;
  }
  return out;
}

/** A silence asked for in the address, `silence={alertname="x"}`, opens the dialog with its matchers. */
function asked(): { matchers: Matcher[]; comment: string } | null {
  const filter = params.peek().get('silence');
  if (filter === null) return null;
  const found = selectors(filter)[0]?.matchers ?? [];
  const matchers = found.map((m) => ({ name: m.name, value: m.value, isRegex: m.op.includes('~'), isEqual: m.op.startsWith('=') }));
  return { matchers: matchers.length > 0 ? matchers : [{ name: 'alertname', value: '', isRegex: false, isEqual: true }], comment: '' };
}

export function AlertsPage(): JSX.Element {
  const rules = useLoad((s) => get<{ groups: RuleGroup[] }>('rules', {}, s), [], REFRESH_MS);
  const silences = useLoad((s) => askSilences(s), [], REFRESH_MS);
  const routed = useLoad((s) => routedAlerts(s), [], REFRESH_MS);
  const sent = useLoad(async (s) => (await askDeliveries(200, s)).data, [], REFRESH_MS);
  const now = useNow(1000, visible.value);
  const [dialog, setDialog] = useState<{ matchers: Matcher[]; comment: string } | null>(asked);
  const tab = (params.value.get('tab') ?? 'rules') as Tab;
  const filter = (params.value.get('state') ?? 'all') as Filter;
  const text = params.value.get('search') ?? '';
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = rules.data?.data.groups ?? [];
  const counts = count(groups);
  const activeSilences = (silences.data ?? []).filter((s) => s.status.state !== 'expired');
  const names = groups.flatMap((g) => g.rules.map((r) => r.name)).join('\n');
  const others = useMemo(() => elsewhere(routed.data ?? [], new Set(names.split('\n')), words), [routed.data, names, text]);
  const routedIndex = useMemo(() => new LabelIndex((routed.data ?? []).map((r) => ({ labels: r.labels, of: r }))), [routed.data]);
  const sentIndex = useMemo(() => new LabelIndex((sent.data ?? []).flatMap((d) => d.alerts.map((a) => ({ labels: a, of: d })))), [sent.data]);
  const alertLabels = [...groups.flatMap((g) => g.rules.flatMap((r) => (r.alerts ?? []).map((a) => a.labels))), ...others.map((a) => a.labels)];
  const context = { now, silences: silences.data ?? [], routed: routedIndex, sent: sentIndex, words, onSilence: (labels: Labels, comment: string) => setDialog({ matchers: matchersFor(labels), comment }) };
  const urgency = (g: RuleGroup): number => Math.min(...g.rules.map((r) => ORDER[stateOf(r)]), 9);
  const sorted = [...groups].sort((a, b) => urgency(a) - urgency(b));
  return (
    <main class="page" data-testid="page-alerts">
      <div class="page-head">
        <h1>Alerts</h1>
        <Segmented<Tab>
          label="view"
          value={tab}
          options={[['rules', 'Rules'], ['silences', `Silences${activeSilences.length ? ` ${activeSilences.length}` : ''}`], ['deliveries', 'Deliveries']]}
          onChange={(t) => setParams({ tab: t === 'rules' ? null : t })}
        />
        <span class="grow" />
        {tab === 'rules' && (
          <>
            <Segmented<Filter>
              label="state"
              value={filter}
              options={[['all', `All ${counts.all}`], ['firing', `Firing ${counts.firing}`], ['pending', `Pending ${counts.pending}`], ['inactive', `Inactive ${counts.inactive}`], ['recording', `Recording ${counts.recording}`]]}
              onChange={(f) => setParams({ state: f === 'all' ? null : f }, true)}
            />
            <input class="input search" type="search" aria-label="filter rules" placeholder="Filter by name, label, expression" value={text} data-testid="filter" onInput={(e) => setParams({ search: e.currentTarget.value || null }, true)} />
          </>
        )}
        {tab === 'silences' && (
          <button type="button" class="button primary" data-testid="new-silence" onClick={() => setDialog({ matchers: [{ name: 'alertname', value: '', isRegex: false, isEqual: true }], comment: '' })}>
            <Icon name="plus" /> New silence
          </button>
        )}
      </div>
      <NobodyToldNotice />
      <DemoScript now={now} />
      {rules.error && <ErrorBox error={rules.error} title="The rules cannot be read" />}
      {tab === 'rules' && (
        <RulesTab>
          {sorted.map((g) => {
            const shown = g.rules.filter((r) => (filter === 'all' || stateOf(r) === filter) && found(r, g, words));
            return shown.length > 0 && <Group key={`${g.file}/${g.name}`} group={g} rules={shown} context={context} />;
          })}
          {rules.data && others.length > 0 && (filter === 'all' || filter === 'firing') && <Elsewhere alerts={others} context={context} />}
          {rules.data && groups.length === 0 && others.length === 0 && <p class="empty">No rules are loaded. List rule files under rule_files in prometheus.yml, or put them into rules/ beside it.</p>}
          {sent.data && sent.data.length > 0 && filter === 'all' && words.length === 0 && (
            <section class="card">
              <div class="card-head">
                <h2>Latest deliveries</h2>
                <span class="grow" />
                <button type="button" class="button small" onClick={() => setParams({ tab: 'deliveries' })}>
                  All
                </button>
              </div>
              <Deliveries list={sent.data.slice(0, 8)} now={now} />
            </section>
          )}
        </RulesTab>
      )}
      {tab === 'silences' && <SilencesTab error={silences.error} list={silences.data ?? []} now={now} reload={silences.reload} onAgain={(m, comment) => setDialog({ matchers: m, comment })} />}
      {tab === 'deliveries' && (
        <section class="card" data-testid="deliveries">
          {sent.error && <ErrorBox error={sent.error} />}
          {sent.data && <Deliveries list={sent.data} now={now} />}
        </section>
      )}
      {dialog && (
        <SilenceDialog
          initial={dialog.matchers}
          comment={dialog.comment}
          alerts={alertLabels}
          onClose={() => {
            setDialog(null);
            setParams({ silence: null }, true);
          }}
          onDone={() => {
            setDialog(null);
            silences.reload();
            routed.reload();
          }}
        />
      )}
    </main>
  );
}

function RulesTab({ children }: { children: preact.ComponentChildren }): JSX.Element {
  return <div data-testid="rules">{children}</div>;
}

interface SilencesProps {
  list: Parameters<typeof SilenceList>[0]['silences'];
  error: Parameters<typeof ErrorBox>[0]['error'] | null;
  now: number;
  reload: () => void;
  onAgain: (matchers: Matcher[], comment: string) => void;
}

function SilencesTab({ list, error, now, reload, onAgain }: SilencesProps): JSX.Element {
  const expired = params.value.get('expired') === '1';
  const many = list.filter((s) => s.status.state === 'expired').length;
  return (
    <section class="card" data-testid="silences">
      {error && <ErrorBox error={error} />}
      <SilenceList silences={list} now={now} showExpired={expired} onChanged={reload} onAgain={(s) => onAgain(s.matchers, s.comment)} />
      {many > 0 && (
        <div class="more">
          <label class="check">
            <input type="checkbox" checked={expired} onChange={(e) => setParams({ expired: e.currentTarget.checked ? '1' : null }, true)} /> show expired <Badge tone="muted">{many}</Badge>
          </label>
        </div>
      )}
    </section>
  );
}
