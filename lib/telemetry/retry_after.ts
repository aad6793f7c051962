import type { Clock } from "$lib/clock.ts";

/**
 * Milliseconds that a `Retry-After` header asks for, in seconds or by a date; 0 where it says nothing that can be read.
 */
export function retryAfterMs(header: string | null, clock: Pick<Clock, "now">): number {
  const text = header?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000;
  const dateMs = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - clock.now());
}
