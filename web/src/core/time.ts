// Durations and moments as Prometheus and Grafana write them. Pure; milliseconds unless a name says otherwise.

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
  d: 864e5,
  w: 6048e5,
  M: 2592e6,
  Q: 7776e6,
  y: 31536e6,
};

/** "1h30m", "90s", "15" (seconds), "250ms" to milliseconds; null when it is no duration. */
export function parseDuration(text: string): number | null {
  const t = text.trim();
  if (/^\d+(\.\d+)?$/.test(t)) return Math.round(Number(t) * 1e3);
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w|M|y))+$/.test(t)) return null;
  let total = 0;
  for (const [, n, unit] of t.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g)) total += Number(n) * UNIT_MS[unit!]!;
  return total;
}

/** Milliseconds as a Prometheus duration: 5400000 is "1h30m". */
export function formatDuration(ms: number): string {
  if (ms <= 0) return '0s';
  let rest = Math.round(ms);
  let out = '';
  for (const [unit, size] of [['d', 864e5], ['h', 36e5], ['m', 6e4], ['s', 1e3], ['ms', 1]] as const) {
    const n = Math.floor(rest / size);
    if (n > 0) out += n + unit;
    rest -= n * size;
  }
  return out;
}

/** How long ago or ahead, in at most two units: "3m 12s". */
export function humanDuration(ms: number): string {
  const abs = Math.abs(ms);
  if (abs === 0) return '0s';
  if (abs < 1) return `${Math.round(abs * 1e3)}\u00b5s`;
  if (abs < 1e3) return `${abs < 10 ? Number(abs.toFixed(1)) : Math.round(abs)}ms`;
  if (abs < 10e3) return `${Number((abs / 1e3).toFixed(1))}s`;
  const parts: string[] = [];
  let rest = Math.round(abs / 1e3) * 1e3;
  for (const [unit, size] of [['y', 31536e6], ['d', 864e5], ['h', 36e5], ['m', 6e4], ['s', 1e3]] as const) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(n + unit);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');

/** "2026-11-20 14:03:09" in the chosen zone. */
export function formatMoment(ms: number, utc: boolean, millis = false): string {
  if (!Number.isFinite(ms)) return '';
  const d = new Date(ms);
  const [y, mo, day, h, mi, s] = utc
    ? [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
    : [d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()];
  const tail = millis ? `.${pad(((ms % 1e3) + 1e3) % 1e3 | 0, 3)}` : '';
  return `${y}-${pad(mo + 1)}-${pad(day)} ${pad(h)}:${pad(mi)}:${pad(s)}${tail}`;
}

/** Reads "2026-11-20 14:03", an ISO moment, or epoch seconds or milliseconds; null when it is none. */
export function parseMoment(text: string, utc: boolean): number | null {
  const t = text.trim();
  if (/^\d{12,}$/.test(t)) return Number(t);
  if (/^\d{9,11}(\.\d+)?$/.test(t)) return Number(t) * 1e3;
  const plain = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?$/.exec(t);
  if (plain) {
    const [y, mo, d, h, mi, s] = plain.slice(1).map((x) => Number(x ?? 0)) as [number, number, number, number, number, number];
    return utc ? Date.UTC(y, mo - 1, d, h, mi, s) : new Date(y, mo - 1, d, h, mi, s).getTime();
  }
  const iso = Date.parse(t);
  return /^\d{4}-/.test(t) && !Number.isNaN(iso) ? iso : null;
}

/** Start or end of the unit that holds `ms`, as Grafana's "/d" rounds. */
function roundTo(ms: number, unit: string, up: boolean, utc: boolean): number {
  const d = new Date(ms);
  const get = utc
    ? ([d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()] as const)
    : ([d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()] as const);
  const parts: number[] = [...get];
  const weekday = utc ? d.getUTCDay() : d.getDay();
  const keep = { y: 1, Q: 2, M: 2, w: 3, d: 3, h: 4, m: 5, s: 6 }[unit] ?? 6;
  for (let i = keep; i < 6; i++) parts[i] = i === 2 ? 1 : 0;
  if (unit === 'w') parts[2] = parts[2]! - ((weekday + 6) % 7);
  if (unit === 'Q') parts[1] = parts[1]! - (parts[1]! % 3);
  if (up) {
    const slot = keep - 1;
    parts[slot] = parts[slot]! + (unit === 'w' ? 7 : unit === 'Q' ? 3 : 1);
  }
  const [y, mo, day, h, mi, s] = parts as [number, number, number, number, number, number];
  const at = utc ? Date.UTC(y, mo, day, h, mi, s) : new Date(y, mo, day, h, mi, s).getTime();
  return up ? at - 1 : at;
}

/** Grafana's time text, "now-6h", "now/d", an absolute moment, to milliseconds; null when it is neither. */
export function resolveTime(text: string, now: number, up: boolean, utc: boolean): number | null {
  const t = text.trim();
  if (!t.startsWith('now')) return parseMoment(t, utc);
  let at = now;
  const rest = t.slice(3);
  const steps = [...rest.matchAll(/([+-])(\d+)(ms|[smhdwMQy])|\/([smhdwMQy])/g)];
  if (steps.map((s) => s[0]).join('') !== rest) return null;
  for (const [, sign, n, unit, round] of steps) {
    if (round) at = roundTo(at, round, up, utc);
    else at += (sign === '-' ? -1 : 1) * Number(n) * UNIT_MS[unit!]!;
  }
  return at;
}

const ROUND_STEPS_MS = [
  1, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 20e3, 30e3, 6e4, 12e4, 3e5, 6e5, 9e5, 12e5, 18e5, 36e5,
  72e5, 108e5, 216e5, 432e5, 864e5, 6048e5, 2592e6, 31536e6,
];

/** Rounds a step as Grafana's interval calculation does: to the nearest of a short list of plain steps. */
export function roundStep(ms: number): number {
  for (let i = 0; i < ROUND_STEPS_MS.length - 1; i++) {
    const [low, high] = [ROUND_STEPS_MS[i]!, ROUND_STEPS_MS[i + 1]!];
    if (ms <= low) return low;
    if (ms < (low + high) / 2) return low;
    if (ms < high) return high;
  }
  return ROUND_STEPS_MS[ROUND_STEPS_MS.length - 1]!;
}
