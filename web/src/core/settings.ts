// What a person chose for this browser: theme, time zone. Kept in local storage where that is allowed.
import { computed, effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
export type Zone = 'local' | 'utc';

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(`promlet.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`promlet.${key}`);
    else localStorage.setItem(`promlet.${key}`, value);
  } catch {
    // Private windows may forbid storage: the choice then lasts until the page is closed.
  }
}

const storedTheme = recall('theme');
export const theme = signal<Theme>(storedTheme === 'light' || storedTheme === 'dark' ? storedTheme : 'auto');
export const zone = signal<Zone>(recall('zone') === 'utc' ? 'utc' : 'local');

const system = window.matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(system.matches);
system.addEventListener('change', (e) => (systemDark.value = e.matches));

/** True while the page is drawn dark: canvases redraw when it changes. */
export const dark = computed(() => (theme.value === 'auto' ? systemDark.value : theme.value === 'dark'));

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = theme.value;
  remember('theme', theme.value === 'auto' ? null : theme.value);
});
effect(() => remember('zone', zone.value === 'utc' ? 'utc' : null));

/** False while the tab is hidden: nothing polls then. */
export const visible = signal(!document.hidden);
document.addEventListener('visibilitychange', () => (visible.value = !document.hidden));
