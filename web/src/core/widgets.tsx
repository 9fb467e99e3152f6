// Small shared pieces of the pages: icons, badges, labels, messages, menus.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError, Labels } from '../api/prometheus.ts';

const ICONS = {
  search: 'M11 19a8 8 0 1 1 0-16 8 8 0 0 1 0 16zM21 21l-4.3-4.3',
  grid: 'M4 4h7v7H4zM13 4h7v4h-7zM13 10h7v10h-7zM4 13h7v7H4z',
  bell: 'M6 9a6 6 0 1 1 12 0c0 6 2 7 2 7H4s2-1 2-7M10 20a2 2 0 0 0 4 0',
  target: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z',
  gear: 'M4 6h10M18 6h2M4 12h2M10 12h10M4 18h8M16 18h4M16 4v4M8 10v4M14 16v4',
  play: 'M7 5v14l11-7z',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  chevron: 'M9 6l6 6-6 6',
  refresh: 'M20 11a8 8 0 1 0-2.3 6M20 5v6h-6',
  warn: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.5',
  mute: 'M4 4l16 16M6 9c0 6-2 7-2 7h12M18 14c-.3-1.2-.5-2.8-.5-5a6 6 0 0 0-8.6-5',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.500 10.500z',
  auto: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18',
  expand: 'M4 9V4h5M20 15v5h-5M15 4h5v5M9 20H4v-5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  external: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  mail: 'M3 6h18v12H3zM3 7l9 6 9-6',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  zoomout: 'M11 19a8 8 0 1 1 0-16 8 8 0 0 1 0 16zM21 21l-4.300-4.300M8 11h6',
} as const;
export type IconName = keyof typeof ICONS;

export function Icon({ name, class: extra }: { name: IconName; class?: string }): JSX.Element {
  return (
    <svg class={`icon ${extra ?? ''}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={ICONS[name]} />
    </svg>
  );
}

export type Tone = 'ok' | 'warn' | 'bad' | 'muted' | 'info';

export function Badge({ tone, children, testid }: { tone: Tone; children: ComponentChildren; testid?: string }): JSX.Element {
  return (
    <span class={`badge ${tone}`} data-testid={testid}>
      {children}
    </span>
  );
}

/** A label set as chips; label text is only ever a text node. */
export function LabelSet({ labels, skip = [] }: { labels: Labels; skip?: readonly string[] }): JSX.Element {
  const entries = Object.entries(labels).filter(([k]) => !skip.includes(k));
  return (
    <span class="labels">
      {entries.map(([k, v]) => (
        <span class="label" key={k}>
          <span class="k">{k}</span>
          <span class="eq">=</span>
          <span class="v">{JSON.stringify(v)}</span>
        </span>
      ))}
      {entries.length === 0 && <span class="dim">no labels</span>}
    </span>
  );
}

export function ErrorBox({ error, title }: { error: ApiError | string; title?: string }): JSX.Element {
  return (
    <div class="message bad" role="alert" data-testid="error">
      <Icon name="warn" />
      <div>
        {title && <strong>{title}</strong>}
        <div class="wrap">{typeof error === 'string' ? error : error.message}</div>
      </div>
    </div>
  );
}

export function Message({ tone, icon, children, testid }: { tone: Tone; icon?: IconName; children: ComponentChildren; testid?: string }): JSX.Element {
  return (
    <div class={`message ${tone}`} data-testid={testid}>
      <Icon name={icon ?? 'info'} />
      <div>{children}</div>
    </div>
  );
}

/** A link that does not wear a link's face. */
export function IconButton(props: { icon: IconName; label: string; onClick: (e: MouseEvent) => void; class?: string; pressed?: boolean; testid?: string }): JSX.Element {
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ''}`}
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      data-testid={props.testid}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** A button with a panel under it that closes on Escape and on a click elsewhere. */
export function Popover(props: { button: ComponentChildren; label: string; children: (close: () => void) => ComponentChildren; class?: string; align?: 'left' | 'right'; testid?: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: Event): void => {
      if (!root.current?.contains(e.target as Node)) setOpen(false);
    };
    const escape = (e: KeyboardEvent): void => {
      if (e.key !== 'Escape') return;
      setOpen(false);
      root.current?.querySelector('button')?.focus();
    };
    document.addEventListener('mousedown', outside);
    document.addEventListener('keydown', escape);
    return () => {
      document.removeEventListener('mousedown', outside);
      document.removeEventListener('keydown', escape);
    };
  }, [open]);
  return (
    <div class={`popover ${props.class ?? ''}`} ref={root}>
      <button type="button" class="button" aria-expanded={open} aria-haspopup="dialog" aria-label={props.label} title={props.label} data-testid={props.testid} onClick={() => setOpen(!open)}>
        {props.button}
      </button>
      {open && <div class={`popover-body ${props.align ?? 'right'}`}>{props.children(() => setOpen(false))}</div>}
    </div>
  );
}

export function Segmented<T extends string>(props: { value: T; options: readonly (readonly [T, string])[]; onChange: (v: T) => void; label: string }): JSX.Element {
  return (
    <div class="segmented" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button type="button" key={value} aria-pressed={value === props.value} onClick={() => props.onChange(value)} data-testid={`seg-${value}`}>
          {text}
        </button>
      ))}
    </div>
  );
}

export function Spinner({ on }: { on: boolean }): JSX.Element {
  return <span class={`spinner ${on ? 'on' : ''}`} role="status" aria-label={on ? 'loading' : undefined} />;
}
