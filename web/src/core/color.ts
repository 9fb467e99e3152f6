// Series colours and Grafana's colour names, for light and dark.

/** Ten hues that stay apart for the common kinds of colour blindness; [light, dark]. */
const SERIES: readonly (readonly [string, string])[] = [
  ['#2f6fde', '#6ea1ff'],
  ['#e8590c', '#ff8f4a'],
  ['#1f9254', '#5bcf8f'],
  ['#b02fae', '#e07be0'],
  ['#c99700', '#f0c64a'],
  ['#d6336c', '#ff7da3'],
  ['#0c8599', '#4fd0e0'],
  ['#7048e8', '#a78bfa'],
  ['#8a5a2b', '#cf9a66'],
  ['#5c6b7a', '#a3b1c0'],
];

export function seriesColor(index: number, dark: boolean): string {
  const pair = SERIES[index % SERIES.length]!;
  return pair[dark ? 1 : 0];
}

const HUES: Record<string, { light: Shades; dark: Shades }> = {
  green: { light: ['#126b3a', '#1a7f47', '#1f9254', '#58b882', '#a3dbba'], dark: ['#2a8f55', '#3fb070', '#5bcf8f', '#86dfae', '#b8f0d0'] },
  red: { light: ['#a61228', '#c01c34', '#d92d45', '#ec7284', '#f7b3bd'], dark: ['#c4283f', '#e03e55', '#ff5c72', '#ff8b9b', '#ffbcc5'] },
  orange: { light: ['#b34300', '#d04f06', '#e8590c', '#f59257', '#fbc9a9'], dark: ['#d05f1a', '#ee7730', '#ff8f4a', '#ffb07f', '#ffd2b5'] },
  yellow: { light: ['#8f6b00', '#ad8200', '#c99700', '#e2bd4d', '#f2dea3'], dark: ['#b8931f', '#d6ae35', '#f0c64a', '#f6d97f', '#fbecb8'] },
  blue: { light: ['#1c4fa8', '#265fc4', '#2f6fde', '#75a0ea', '#b9d0f5'], dark: ['#3a6fd0', '#5387e8', '#6ea1ff', '#98bdff', '#c5d9ff'] },
  purple: { light: ['#4b2bb0', '#5f3bcd', '#7048e8', '#a086f0', '#d0c3f8'], dark: ['#7458cc', '#8d72e3', '#a78bfa', '#c1adfc', '#dcd0fe'] },
};
type Shades = [string, string, string, string, string];
const SHADE: Record<string, number> = { dark: 0, 'semi-dark': 1, '': 2, light: 3, 'super-light': 4 };

/** A Grafana colour name, hex or rgb() text to something CSS and canvas take. */
export function namedColor(name: string, dark: boolean): string {
  const m = /^(semi-dark|super-light|dark|light)?-?(green|red|orange|yellow|blue|purple)$/.exec(name);
  if (m) return HUES[m[2]!]![dark ? 'dark' : 'light'][SHADE[m[1] ?? '']!]!;
  if (name === 'text') return dark ? '#e6e9ee' : '#1c2430';
  if (name === 'transparent') return 'transparent';
  if (/^(#[0-9a-f]{3,8}|rgba?\([\d.,\s%]+\)|hsla?\([\d.,\s%deg]+\)|[a-z]+)$/i.test(name)) return name;
  return seriesColor(0, dark);
}

function channels(color: string): [number, number, number] | null {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})([0-9a-f]{2})?$/i.exec(color);
  if (hex) {
    const h = hex[1]!.length === 3 ? [...hex[1]!].map((c) => c + c).join('') : hex[1]!;
    return [0, 2, 4].map((i) => parseInt(h.slice(i, i + 2), 16)) as [number, number, number];
  }
  const rgb = /^rgba?\(\s*([\d.]+)[,\s]+([\d.]+)[,\s]+([\d.]+)/.exec(color);
  return rgb ? [Number(rgb[1]), Number(rgb[2]), Number(rgb[3])] : null;
}

/** The same colour, translucent; colours given by CSS name stay opaque. */
export function withAlpha(color: string, alpha: number): string {
  const c = channels(color);
  return c ? `rgba(${c[0]},${c[1]},${c[2]},${alpha})` : color;
}

/** Black or white, whichever reads better on the colour. */
export function inkOn(color: string): string {
  const c = channels(color);
  if (!c) return '#fff';
  const [r, g, b] = c.map((x) => (x / 255 <= 0.03928 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.35 ? '#10151c' : '#fff';
}

/** Point `t` in 0..1 on the line through the given colours. */
export function blend(stops: readonly string[], t: number): string {
  const at = Math.min(Math.max(Number.isFinite(t) ? t : 0, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(at), stops.length - 2);
  const [a, b] = [channels(stops[i]!), channels(stops[i + 1]!)];
  if (!a || !b) return stops[0]!;
  const mix = a.map((x, k) => Math.round(x + (b[k]! - x) * (at - i)));
  return `rgb(${mix[0]},${mix[1]},${mix[2]})`;
}

/** The colour ramp of one of Grafana's continuous modes. */
export function ramp(mode: string, dark: boolean): string[] {
  const c = (n: string): string => namedColor(n, dark);
  switch (mode) {
    case 'continuous-RdYlGr':
      return [c('red'), c('yellow'), c('green')];
    case 'continuous-BlYlRd':
      return [c('blue'), c('yellow'), c('red')];
    case 'continuous-YlRd':
      return [c('yellow'), c('red')];
    case 'continuous-BlPu':
      return [c('blue'), c('purple')];
    case 'continuous-YlBl':
      return [c('yellow'), c('blue')];
    case 'continuous-blues':
      return [dark ? '#1b2430' : '#f0f4fb', c('blue')];
    case 'continuous-reds':
      return [dark ? '#2b1b20' : '#fbf0f1', c('red')];
    case 'continuous-greens':
      return [dark ? '#18271f' : '#eef8f2', c('green')];
    case 'continuous-purples':
      return [dark ? '#221d33' : '#f4f1fd', c('purple')];
    default:
      return [c('green'), c('yellow'), c('red')];
  }
}
