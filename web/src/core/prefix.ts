// The path prefix under which the server answers, read off the address of this very script.

/** "" or "/prefix", without a slash at the end. */
export const prefix = new URL(import.meta.url).pathname.replace(/\/assets\/[^/]*$/, '');

/** Address of one of our pages, prefix included. */
export const href = (to: string): string => prefix + to;
