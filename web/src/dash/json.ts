// Reading JSON that others wrote: every look-up may miss, none throws.

export type Json = Record<string, unknown>;

export const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
export const object = (v: unknown): Json => (isObject(v) ? v : {});
export const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
export const objects = (v: unknown): Json[] => list(v).filter(isObject);
export const text = (v: unknown, fallback = ''): string => (typeof v === 'string' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : fallback);
export const flag = (v: unknown, fallback = false): boolean => (typeof v === 'boolean' ? v : v === 'true' ? true : v === 'false' ? false : fallback);
export const strings = (v: unknown): string[] => list(v).map((x) => text(x)).filter((x) => x !== '');

/** A finite number, also when it was written as text; undefined otherwise. */
export function number(v: unknown): number | undefined {
  if (typeof v === 'number') return Number.isFinite(v) ? v : undefined;
  if (typeof v === 'string' && v.trim() !== '' && Number.isFinite(Number(v))) return Number(v);
  return undefined;
}

/** The first of the texts that is one of the allowed. */
export function oneOf<const T extends string>(v: unknown, allowed: readonly T[], fallback: NoInfer<T>): T {
  return (allowed as readonly unknown[]).includes(v) ? (v as T) : fallback;
}
