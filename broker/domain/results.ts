import type { HealthStatus, ObjectAction, ObjectResult } from "$lib/wire/event.ts";

/** How many objects of a delivery there are of each health. */
export type ObjectCounts = Readonly<Record<HealthStatus, number>>;

/** What is kept of a report about single objects. */
export interface KeptResults {
  /** The worst first. */
  readonly objects: readonly ObjectResult[];
  /** How many more there were, none of them worse than these. */
  readonly omitted: number;
  /** What was done otherwise than the bundle says. */
  readonly warnings: readonly string[];
}

type Packed = Uint8Array<ArrayBuffer>;

/** How many bytes packed results may have. */
export const PACKED_MAX_BYTES = 256 * 1024;

const BY_ACTION: Readonly<Record<ObjectAction, number>> = {
  failed: 0,
  kept: 2,
  replaced: 3,
  created: 4,
  configured: 4,
  deleted: 4,
  unchanged: 5,
};
const BY_HEALTH: Readonly<Record<HealthStatus, number>> = { degraded: 1, progressing: 2, unknown: 3, healthy: 9 };

/** What a person looks for first comes first; among equals the order stays. */
export function worstFirst(results: readonly ObjectResult[]): readonly ObjectResult[] {
  const badness = ({ action, health = "healthy" }: ObjectResult) => Math.min(BY_ACTION[action], BY_HEALTH[health]);
  return results.toSorted((one, other) => badness(one) - badness(other));
}

/** Counts the objects that are there, and the agent's; one of which nothing is said is of unknown health. */
export function countObjects(results: readonly ObjectResult[]): ObjectCounts {
  const counts: Record<HealthStatus, number> = { healthy: 0, progressing: 0, degraded: 0, unknown: 0 };
  for (const { action, health = "unknown" } of results) {
    if (action !== "deleted" && action !== "kept") counts[health] += 1;
  }
  return counts;
}

/** Gzipped JSON of at most {@linkcode PACKED_MAX_BYTES}; the same results are the same bytes. */
export async function packResults(results: readonly ObjectResult[], warnings: readonly string[]): Promise<Packed> {
  const sorted = worstFirst(results);
  for (let count = sorted.length;; count = Math.floor(count / 2)) {
    const kept: KeptResults = { objects: sorted.slice(0, count), omitted: sorted.length - count, warnings };
    const packed = await throughStream(new TextEncoder().encode(JSON.stringify(kept)), new CompressionStream("gzip"));
    if (packed.length <= PACKED_MAX_BYTES || count === 0) return packed;
  }
}

/** Reads what {@linkcode packResults} has written. */
export async function unpackResults(packed: Packed): Promise<KeptResults> {
  return JSON.parse(new TextDecoder().decode(await throughStream(packed, new DecompressionStream("gzip"))));
}

async function throughStream(
  bytes: Packed,
  stream: CompressionStream | DecompressionStream,
): Promise<Packed> {
  return await new Response(new Blob([bytes]).stream().pipeThrough(stream)).bytes();
}
