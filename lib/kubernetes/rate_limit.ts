import type { Clock } from "$lib/clock.ts";

/** How often something may go: `qps` a second in the long run, `burst` at once. */
export interface RateLimit {
  readonly qps: number;
  readonly burst: number;
}

/** Returns a function that waits until the next request may go, first come, first served. A `qps` of 0 never waits. */
export function rateLimiter({ qps, burst }: RateLimit, clock: Clock): (signal?: AbortSignal) => Promise<void> {
  const spacingMs = 1000 / qps;
  let nextMs = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    if (qps <= 0) return;
    const nowMs = clock.monotonic();
    nextMs = Math.max(nextMs + spacingMs, nowMs - (burst - 1) * spacingMs);
    if (nextMs > nowMs) await clock.sleep(nextMs - nowMs, signal);
  };
}
