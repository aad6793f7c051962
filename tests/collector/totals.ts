import type { ReceivedPoint } from "./received.ts";

/**
 * A series as it is told from others, whoever writes it: its name and its labels in their order, a bound as a number.
 */
export function seriesKey(name: string, labels: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => [label, label === "le" ? Number(value) : String(value)]);
  return `${name} ${JSON.stringify(pairs.toSorted())}`;
}

/** What a page has of a family's samples, and what points of the same come to. */
export interface Total {
  readonly kind: ReceivedPoint["kind"];
  readonly value: number;
}

/**
 * What the points of one process come to, by {@linkcode seriesKey}: the last of what is cumulative, the sum of what is
 * delta. A histogram is what a page writes of it: buckets, sum and count.
 */
export function totalsOf(points: readonly ReceivedPoint[]): ReadonlyMap<string, Total> {
  const totals = new Map<string, Total>();
  for (const point of points) {
    for (const [key, value] of samplesOf(point)) {
      const before = point.temporality === "delta" ? totals.get(key)?.value ?? 0 : 0;
      totals.set(key, { kind: point.kind, value: before + value });
    }
  }
  return totals;
}

function samplesOf({ name, attributes, value }: ReceivedPoint): readonly (readonly [key: string, value: number])[] {
  if (typeof value === "number") return [[seriesKey(name, attributes), value]];
  let inBuckets = 0;
  const buckets = value.counts.map((count, at) => {
    inBuckets += count;
    const le = value.bounds[at] ?? Infinity;
    return [seriesKey(`${name}_bucket`, { ...attributes, le }), inBuckets] as const;
  });
  return [
    ...buckets,
    [seriesKey(`${name}_sum`, attributes), value.sum],
    [seriesKey(`${name}_count`, attributes), value.count],
  ];
}
