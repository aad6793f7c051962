import type { Clock } from "$lib/clock.ts";

/** How long to wait, and how often to look. */
export interface Patience {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks again and again at what is left of `things`, until nothing is or the time is over; returns what is left then.
 */
export async function whatRemains<T>(
  things: readonly T[],
  look: (left: readonly T[]) => Promise<readonly T[]>,
  { clock, intervalMs, timeoutMs, signal }: Patience,
): Promise<readonly T[]> {
  const endMs = clock.monotonic() + timeoutMs;
  let left = things;
  while (left.length > 0) {
    left = await look(left);
    if (left.length === 0 || clock.monotonic() >= endMs) break;
    await clock.sleep(intervalMs, signal);
  }
  return left;
}
