// Label sets found by some of their labels, without a look at each of thousands.
import type { Labels } from '../api/prometheus.ts';

export class LabelIndex<T> {
  private readonly byPair = new Map<string, number[]>();
  private readonly entries: readonly { labels: Labels; of: T }[];

  constructor(entries: readonly { labels: Labels; of: T }[]) {
    this.entries = entries;
    entries.forEach((entry, at) => {
      for (const [name, value] of Object.entries(entry.labels)) {
        const key = `${name}\0${value}`;
        const places = this.byPair.get(key);
        if (places) places.push(at);
        else this.byPair.set(key, [at]);
      }
    });
  }

  /** What has all of these labels, in order; external labels may have joined on the way. */
  find(labels: Labels): T[] {
    const pairs = Object.entries(labels);
    const buckets = pairs.map(([name, value]) => this.byPair.get(`${name}\0${value}`) ?? []);
    const least = buckets.sort((a, b) => a.length - b.length)[0] ?? [];
    return least.filter((at) => pairs.every(([name, value]) => this.entries[at]!.labels[name] === value)).map((at) => this.entries[at]!.of);
  }
}
