// Numbers with units, by Grafana's unit ids. An unknown id is printed as a suffix, as Grafana does.

export interface Shown {
  prefix: string;
  text: string;
  suffix: string;
}

type Formatter = (value: number, decimals: number | null) => Shown;

/** Digits after the point that keep about three that matter, unless told otherwise. */
function fixed(value: number, decimals: number | null): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (decimals !== null) return value.toFixed(Math.min(Math.max(decimals, 0), 20));
  if (value === 0) return '0';
  const abs = Math.abs(value);
  if (abs >= 1e21 || abs < 1e-6) return value.toExponential(2);
  const digits = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(abs))));
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

const plain =
  (suffix = '', prefix = ''): Formatter =>
  (v, d) => ({ prefix, text: fixed(v, d), suffix: suffix ? ` ${suffix}` : '' });

const tight =
  (suffix: string, factor = 1): Formatter =>
  (v, d) => ({ prefix: '', text: fixed(v * factor, d), suffix });

/** Steps of `base` through the given suffixes, beginning at index `offset`. */
function scaled(base: number, steps: readonly string[], offset: number, glue: string, joined = ' '): Formatter {
  return (v, d) => {
    let i = offset;
    let x = v;
    if (Number.isFinite(x)) {
      while (Math.abs(x) >= base && i < steps.length - 1) {
        x /= base;
        i++;
      }
    }
    const unit = (steps[i] ?? '') + glue;
    return { prefix: '', text: fixed(x, d), suffix: unit ? joined + unit : '' };
  };
}

const SI = ['f', 'p', 'n', '\u00b5', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const IEC = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];
const SHORT = ['', ' K', ' Mil', ' Bil', ' Tri', ' Quadr', ' Quint', ' Sext', ' Sept'];

/** SI in both directions: 0.002 A is 2 mA. `power` is the exponent of 1000 the value comes in. */
function si(unit: string, power = 0, small = true): Formatter {
  return (v, d) => {
    let i = 5 + power;
    let x = v;
    if (Number.isFinite(x) && x !== 0) {
      while (Math.abs(x) >= 1000 && i < SI.length - 1) {
        x /= 1000;
        i++;
      }
      while (small && Math.abs(x) < 1 && i > 1) {
        x *= 1000;
        i--;
      }
    }
    return { prefix: '', text: fixed(x, d), suffix: ` ${SI[i]}${unit}` };
  };
}

const iec = (unit: string, offset = 0): Formatter => scaled(1024, IEC, offset, unit);
const dec = (unit: string, power = 0): Formatter => si(unit, power, false);
const perSecond = (what: string): Formatter => scaled(1000, ['', 'K', 'M', 'B', 'T'], 0, ` ${what}/s`, '');
const perMinute = (what: string): Formatter => scaled(1000, ['', 'K', 'M', 'B', 'T'], 0, ` ${what}/min`, '');

/** Seconds and their like: picks the unit a person would say. `factor` turns the value into seconds. */
function time(factor: number): Formatter {
  const steps: [number, string][] = [
    [31536000, ' years'],
    [604800, ' weeks'],
    [86400, ' days'],
    [3600, ' hours'],
    [60, ' mins'],
    [1, ' s'],
    [1e-3, ' ms'],
    [1e-6, ' \u00b5s'],
    [1e-9, ' ns'],
  ];
  return (v, d) => {
    if (v === 0 || !Number.isFinite(v)) return { prefix: '', text: fixed(v, d === null ? null : Math.min(d, 0)), suffix: ' s' };
    const seconds = v * factor;
    const abs = Math.abs(seconds);
    const [size, name] = steps.find(([s]) => abs >= s * 0.9999999) ?? steps[steps.length - 1]!;
    const text = fixed(seconds / size, d);
    return { prefix: '', text, suffix: text === '1' && name.endsWith('s') && size >= 60 ? name.slice(0, -1) : name };
  };
}

/** A duration spelt out in at most two units: "3 days, 4 hours". */
function spelled(factor: number): Formatter {
  return (v) => {
    let rest = Math.abs(v * factor);
    const parts: string[] = [];
    for (const [size, name] of [[31536000, 'year'], [604800, 'week'], [86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']] as const) {
      const n = Math.floor(rest / size);
      if (n > 0 && parts.length < 2) parts.push(`${n} ${name}${n === 1 ? '' : 's'}`);
      rest -= n * size;
    }
    if (!Number.isFinite(v)) return { prefix: '', text: fixed(v, null), suffix: '' };
    return { prefix: v < 0 ? '-' : '', text: parts.join(', ') || '0 seconds', suffix: '' };
  };
}

/** "1d 04:03:09" from seconds. */
function clock(factor: number, days: boolean): Formatter {
  return (v) => {
    if (!Number.isFinite(v)) return { prefix: '', text: fixed(v, null), suffix: '' };
    const s = Math.floor(Math.abs(v * factor));
    const two = (n: number): string => String(n).padStart(2, '0');
    const d = Math.floor(s / 86400);
    const h = Math.floor(s / 3600) - (days ? d * 24 : 0);
    const text = `${two(h)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
    return { prefix: v < 0 ? '-' : '', text: days && d > 0 ? `${d} d ${text}` : text, suffix: '' };
  };
}

const worded =
  (yes: string, no: string): Formatter =>
  (v) => ({ prefix: '', text: v === 0 ? no : yes, suffix: '' });

function moment(style: 'iso' | 'us' | 'now', now: () => number): Formatter {
  return (v) => {
    if (!Number.isFinite(v)) return { prefix: '', text: fixed(v, null), suffix: '' };
    const d = new Date(v);
    const two = (n: number): string => String(n).padStart(2, '0');
    const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
    const hms = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
    if (style === 'iso') return { prefix: '', text: `${day} ${hms}`, suffix: '' };
    if (style === 'us') return { prefix: '', text: `${two(d.getMonth() + 1)}/${two(d.getDate())}/${d.getFullYear()} ${hms}`, suffix: '' };
    const away = spelled(1e-3)(Math.abs(now() - v), null).text.replace(/,.*/, '');
    return { prefix: '', text: v > now() ? `in ${away}` : `${away} ago`, suffix: '' };
  };
}

const UNITS: Record<string, Formatter> = {
  none: plain(),
  string: plain(),
  short: (v, d) => {
    const r = scaled(1000, SHORT, 0, '', '')(v, d);
    return r;
  },
  sishort: si(''),
  locale: (v, d) => ({ prefix: '', text: Number.isFinite(v) ? v.toLocaleString('en-US', { maximumFractionDigits: d ?? 2 }) : fixed(v, d), suffix: '' }),
  percent: tight('%'),
  percentunit: tight('%', 100),
  humidity: plain('%H'),
  dB: plain('dB'),
  hex: (v) => ({ prefix: '', text: Number.isFinite(v) ? Math.trunc(v).toString(16).toUpperCase() : fixed(v, null), suffix: '' }),
  hex0x: (v) => ({ prefix: '0x', text: Number.isFinite(v) ? Math.trunc(v).toString(16).toUpperCase() : fixed(v, null), suffix: '' }),
  sci: (v, d) => ({ prefix: '', text: Number.isFinite(v) ? v.toExponential(d ?? 2) : fixed(v, d), suffix: '' }),
  bytes: iec('B'),
  kbytes: iec('B', 1),
  mbytes: iec('B', 2),
  gbytes: iec('B', 3),
  tbytes: iec('B', 4),
  pbytes: iec('B', 5),
  bits: iec('b'),
  decbytes: dec('B'),
  deckbytes: dec('B', 1),
  decmbytes: dec('B', 2),
  decgbytes: dec('B', 3),
  dectbytes: dec('B', 4),
  decbits: dec('b'),
  binBps: iec('B/s'),
  Bps: dec('B/s'),
  KiBs: iec('B/s', 1),
  MiBs: iec('B/s', 2),
  GiBs: iec('B/s', 3),
  KBs: dec('B/s', 1),
  MBs: dec('B/s', 2),
  GBs: dec('B/s', 3),
  TBs: dec('B/s', 4),
  binbps: iec('b/s'),
  bps: dec('b/s'),
  Kbits: dec('b/s', 1),
  Mbits: dec('b/s', 2),
  Gbits: dec('b/s', 3),
  pps: dec('p/s'),
  s: time(1),
  ms: time(1e-3),
  '\u00b5s': time(1e-6),
  us: time(1e-6),
  ns: time(1e-9),
  m: time(60),
  h: time(3600),
  d: time(86400),
  dtdurations: spelled(1),
  dtdurationms: spelled(1e-3),
  dthms: clock(1, false),
  dtdhms: clock(1, true),
  clocks: clock(1, true),
  clockms: clock(1e-3, true),
  timeticks: time(0.01),
  hertz: si('Hz'),
  rothz: si('Hz'),
  rotrpm: plain('rpm'),
  ops: perSecond('ops'),
  reqps: perSecond('req'),
  rps: perSecond('rd'),
  wps: perSecond('wr'),
  iops: perSecond('io'),
  cps: perSecond('c'),
  eps: perSecond('evt'),
  mps: perSecond('msg'),
  recps: perSecond('rec'),
  rowsps: perSecond('rows'),
  opm: perMinute('ops'),
  rpm: perMinute('rd'),
  wpm: perMinute('wr'),
  cpm: perMinute('c'),
  reqpm: perMinute('req'),
  celsius: tight(' \u00b0C'),
  fahrenheit: tight(' \u00b0F'),
  kelvin: tight(' K'),
  degree: tight('\u00b0'),
  watt: si('W'),
  kwatt: si('W', 1),
  watth: si('Wh'),
  kwatth: si('Wh', 1),
  voltamp: si('VA'),
  joule: si('J'),
  amp: si('A'),
  volt: si('V'),
  ohm: si('\u03a9'),
  lumens: si('Lm'),
  flops: dec('FLOPS'),
  mflops: dec('FLOPS', 2),
  gflops: dec('FLOPS', 3),
  tflops: dec('FLOPS', 4),
  hashrate: dec('H/s'),
  currencyUSD: (v, d) => money('$')(v, d),
  currencyEUR: (v, d) => money('\u20ac')(v, d),
  currencyGBP: (v, d) => money('\u00a3')(v, d),
  currencyJPY: (v, d) => money('\u00a5')(v, d),
  bool: worded('True', 'False'),
  bool_yes_no: worded('Yes', 'No'),
  bool_on_off: worded('On', 'Off'),
  bool_true_false: worded('True', 'False'),
  dateTimeAsIso: moment('iso', Date.now),
  dateTimeAsIsoNoDateIfToday: moment('iso', Date.now),
  dateTimeAsUS: moment('us', Date.now),
  dateTimeAsLocal: moment('iso', Date.now),
  dateTimeAsSystem: moment('iso', Date.now),
  dateTimeFromNow: moment('now', Date.now),
  lengthmm: si('m', -1),
  lengthm: si('m'),
  lengthkm: plain('km'),
  velocityms: plain('m/s'),
  velocitykmh: plain('km/h'),
  pressurehpa: plain('hPa'),
  pressurembar: plain('mbar'),
  ppm: plain('ppm'),
};

function money(symbol: string): Formatter {
  return (v, d) => {
    const r = scaled(1000, ['', 'K', 'M', 'B', 'T'], 0, '', '')(v, d);
    return { ...r, prefix: symbol };
  };
}

/** Formatter for a unit id, with Grafana's `prefix:`, `suffix:`, `count:`, `si:`, `time:` and `currency:` forms. */
function formatterFor(unit: string): Formatter {
  const known = UNITS[unit];
  if (known) return known;
  const colon = unit.indexOf(':');
  if (colon > 0) {
    const [kind, rest] = [unit.slice(0, colon), unit.slice(colon + 1)];
    if (kind === 'prefix') return plain('', rest);
    if (kind === 'suffix') return plain(rest);
    if (kind === 'count') return scaled(1000, ['', 'K', 'M', 'B', 'T'], 0, ` ${rest}`, '');
    if (kind === 'si') return si(rest);
    if (kind === 'currency') return money(rest);
    if (kind === 'time') return moment('iso', Date.now);
    if (kind === 'bool') {
      const [yes, no] = rest.split('/');
      return worded(yes ?? 'True', no ?? 'False');
    }
  }
  return plain(unit);
}

/** A value with its unit, in parts, so that a stat panel can print the suffix smaller. */
export function shown(value: number, unit: string | undefined, decimals: number | null = null): Shown {
  if (!unit) return { prefix: '', text: fixed(value, decimals), suffix: '' };
  return formatterFor(unit)(value, decimals);
}

/** A value with its unit as one text. */
export function format(value: number | null | undefined, unit?: string, decimals: number | null = null): string {
  if (value === null || value === undefined) return '';
  const s = shown(value, unit, decimals);
  return s.prefix + s.text + s.suffix;
}

/** Seconds in one of the unit, for durations; undefined for anything else. */
export const secondsPer = (unit: string | undefined): number | undefined => ({ ns: 1e-9, us: 1e-6, '\u00b5s': 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 })[unit ?? ''];

/** True for units that count in powers of 1024: their axis ticks should too. */
export const isBinary = (unit: string | undefined): boolean => !!unit && /^([kmgtp]?bytes|bits|bin[Bb]ps|[KMG]iBs)$/.test(unit);
