import type { Clock } from "$lib/clock.ts";

/** What is longer is as good as that: nobody waits for it. */
const LONGEST_MS = 86_400_000;

/**
 * Milliseconds that a `Retry-After` header asks for, in seconds or by a date, a day at most; 0 where it says nothing
 * that can be read.
 */
export function retryAfterMs(header: string | null, clock: Pick<Clock, "now">): number {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(LONGEST_MS, Number(text) * 1_000);
  const dateMs = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? 0 : Math.min(LONGEST_MS, Math.max(0, dateMs - clock.now()));
}
