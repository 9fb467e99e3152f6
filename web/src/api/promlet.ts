// promlet's own read-only endpoints under /api/v1/promlet/.
import { signal } from '@preact/signals';
import { get, getBare, type Labels, type Reply } from './prometheus.ts';

export interface DashboardEntry {
  name: string;
  title: string;
  tags: string[];
  file: string;
  error: string | null;
}
export interface Note {
  file: string;
  line: number;
  column: number;
  text: string;
}
export interface Overview {
  version: string;
  mode: 'config' | 'zero-config' | 'demo';
  demo_url: string | null;
  demo_script: { at_seconds: number; what: string }[];
  started_at: number | string;
  scrape_interval_seconds: number;
  alerting: { configured: boolean; hint: string };
  notes: Note[];
  /** What is wrong with the server at this moment, a sentence each. */
  problems: string[];
}
export interface Delivery {
  at: number | string;
  receiver: string;
  integration: string;
  group_labels: Labels;
  status: 'firing' | 'resolved';
  alerts: Labels[];
  outcome: 'delivered' | 'retrying' | 'failed';
  attempts: number;
  detail: string;
  id: string;
}

/** Where an alert stands with one integration. */
export interface IntegrationStanding {
  integration: string;
  standing: 'told' | 'waiting' | 'sending' | 'failing' | 'held' | 'unwanted';
  /** A sentence. */
  text: string;
}
export interface RouteStanding {
  receiver: string;
  /** The matchers on the way from the root. */
  route: string;
  group_labels: Labels;
  held_by: { reason: string; text: string } | null;
  integrations: IntegrationStanding[];
}
/** "Why did I (not) hear of this?", for one alert. */
export interface Story {
  labels: Labels;
  fingerprint: string;
  state: 'firing' | 'ended' | 'over';
  routes: RouteStanding[];
  trail: { at: string; receiver: string; decision: string; detail: string }[];
}
export interface Explained {
  rules: { name: string; text: string }[];
  alerts: Story[];
}

/** A moment of this API, unix seconds or RFC 3339, as milliseconds. */
export const momentMs = (at: number | string): number => (typeof at === 'number' ? at * 1000 : Date.parse(at));

export const dashboards = (signal?: AbortSignal): Promise<Reply<DashboardEntry[]>> => get('promlet/dashboards', {}, signal);
/** The dashboard's JSON, bare or in the envelope of the API. */
export const dashboard = (name: string, signal?: AbortSignal): Promise<unknown> => getBare(`promlet/dashboards/${encodeURIComponent(name)}`, signal);
export const deliveries = (limit: number, signal?: AbortSignal): Promise<Reply<Delivery[]>> =>
  get('promlet/deliveries', { limit: String(limit) }, signal);

/** The alerts with these labels, and the rules that give them. */
export function explainAlert(labels: Labels, signal?: AbortSignal): Promise<Reply<Explained>> {
  const matchers = Object.entries(labels).map(([name, value]) => `${JSON.stringify(name)}=${JSON.stringify(value)}`);
  return get('alerts/explain', { 'match[]': `{${matchers.join(',')}}` }, signal);
}

/** What the server says of itself; null until it has answered. */
export const overview = signal<Overview | null>(null);

export async function loadOverview(): Promise<void> {
  try {
    overview.value = (await get<Overview>('promlet/overview')).data;
  } catch {
    // Pages work without it: the navigation then has no demo link, and intervals fall back to 15 s.
  }
}

export const scrapeIntervalMs = (): number => (overview.value?.scrape_interval_seconds ?? 15) * 1000 || 15000;
