import type { Clock } from "$lib/clock.ts";

/** How long pauses grow between tries. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** What waiting needs: a clock and a source of randomness in [0, 1). */
export interface Waiting {
  readonly clock: Clock;
  readonly random: () => number;
}

const JITTER = 0.2;

/** `ms`, up to 20 % shorter or longer, so that many programs do not act at the same instant. */
export function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (1 - JITTER + 2 * JITTER * random()));
}

/**
 * Milliseconds to wait after the `failures`-th failure in a row (from 1): `minMs`, doubling up to `maxMs`, no jitter.
 */
export function backoffMs(failures: number, { minMs, maxMs }: Backoff): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
}

/** A loop: what one turn does, how often, and who hears of a failed turn. */
export interface Loop {
  /** One turn. A rejection ends the turn, never the loop. */
  turn(signal: AbortSignal): Promise<void>;
  readonly intervalMs: number;
  /** Pauses after failed turns in a row; without it, `intervalMs`. */
  readonly backoff?: Backoff;
  failed(error: unknown, failures: number): void;
}

/**
 * Runs a loop's turns, one at a time, until `signal` aborts; returns when the turn in progress has ended. Never
 * rejects.
 *
 * @param wake Cuts a pause short: resolves when the next turn should start at once.
 */
export async function runLoop(
  loop: Loop,
  { clock, random, wake }: Waiting & { wake?: (signal: AbortSignal) => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await loop.turn(signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      loop.failed(error, failures);
    }
    const ms = failures > 0 && loop.backoff !== undefined ? backoffMs(failures, loop.backoff) : loop.intervalMs;
    await pause(jittered(ms, random), { clock, wake }, signal);
  }
}

/** Waits, and swallows only the abort: the loop looks at the signal itself. */
async function pause(
  ms: number,
  { clock, wake }: { clock: Clock; wake?: (signal: AbortSignal) => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const woken = new AbortController();
  const either = AbortSignal.any([signal, woken.signal]);
  const waits = [clock.sleep(ms, either), ...(wake === undefined ? [] : [wake(either)])];
  await Promise.race(waits).catch(() => {});
  woken.abort();
  await Promise.allSettled(waits);
}
