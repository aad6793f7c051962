import type { Share } from "$lib/database.ts";

/** How many connections each share may use at most. */
export type ShareLimits = Readonly<Record<Share, number>>;

/** The smallest pool that has one connection for each share. */
const SHARED_MIN = 3;

/**
 * Divides a pool: one connection for the gauges, a third of the rest for bulk, what is left for the hot paths.
 * Together they are the pool, so that no share waits for another's; a pool too small for that is everybody's.
 */
export function shareLimits(poolSize: number): ShareLimits {
  if (poolSize < SHARED_MIN) return { hot: poolSize, bulk: poolSize, gauges: poolSize };
  const bulk = Math.max(1, Math.floor((poolSize - 1) / 3));
  return { hot: poolSize - 1 - bulk, bulk, gauges: 1 };
}
