// Names that look like a wanted one. Pure.

/** Edit distance, given up beyond `most`. */
export function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      next.push(Math.min(row[k]! + 1, next[k - 1]! + 1, row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1)));
    }
    if (Math.min(...next) > most) return most + 1;
    row = next;
  }
  return row[b.length]!;
}

/** Up to three of the names that look like the wanted one. */
export function nearest(wanted: string, names: readonly string[]): string[] {
  const most = Math.max(2, Math.floor(wanted.length / 4));
  const parts = wanted.toLowerCase().split(/[_:]/).filter((p) => p.length > 2);
  return names
    .map((name) => {
      const shared = parts.filter((p) => name.toLowerCase().includes(p)).length;
      const d = distance(wanted.toLowerCase(), name.toLowerCase(), most);
      return { name, score: d <= most ? d - 10 : parts.length > 0 && shared >= (parts.length <= 2 ? parts.length : parts.length - 1) ? 10 - shared : 99 };
    })
    .filter((x) => x.score < 99)
    .sort((a, b) => a.score - b.score || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map((x) => x.name);
}
