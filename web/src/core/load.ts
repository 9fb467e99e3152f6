// Loading data into a component: the latest answer, its error, and polling while the tab is seen.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/prometheus.ts';
import { visible } from './settings.ts';

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  /** Asks again now. */
  reload: () => void;
}

export function toApiError(cause: unknown): ApiError {
  return cause instanceof ApiError ? cause : new ApiError('client', (cause as Error)?.message ?? String(cause), 0);
}

/**
 * Runs `load` when `deps` change and every `everyMs` (0: never). The previous answer stays on the
 * page while the next is under way, so that a refresh does not flicker.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[], everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; error: ApiError | null; loading: boolean }>({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async (): Promise<void> => {
      setState((s) => ({ ...s, loading: true }));
      try {
        const data = await latest.current(control.signal);
        if (!control.signal.aborted) setState({ data, error: null, loading: false });
      } catch (cause) {
        if (control.signal.aborted) return;
        setState((s) => ({ ...s, error: toApiError(cause), loading: false }));
      }
      if (everyMs > 0 && !control.signal.aborted) timer = setTimeout(tick, everyMs);
    };
    const tick = (): void => {
      if (visible.peek()) void once();
      else timer = setTimeout(tick, 1000);
    };
    void once();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [...deps, turn, everyMs]);
  return { ...state, reload: () => setTurn((t) => t + 1) };
}

/** At most `limit` of the given tasks at once: a browser has six connections per host. */
export class Gate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  constructor(private readonly limit: number) {}

  async run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) await new Promise<void>((go) => this.waiting.push(go));
    else this.running++;
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
