import type { Clock } from "$lib/clock.ts";
import type { Span, Tracing } from "$lib/tracing.ts";

/** What waiting is made of. */
export interface WaitingParts {
  readonly clock: Clock;
  /** Left out: no wait is traced. */
  readonly tracing?: Pick<Tracing, "current"> | undefined;
}

/** How long to wait, how often to look, and what for. */
export interface Patience {
  readonly until: "served" | "in force" | "gone";
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks again and again at what is left of `things`, until nothing is or the time is over; returns what is left then.
 * Where one look is not enough, the wait is a span of the turn.
 */
export async function whatRemains<T>(
  { clock, tracing }: WaitingParts,
  { things, look }: { readonly things: readonly T[]; readonly look: (left: readonly T[]) => Promise<readonly T[]> },
  { until, intervalMs, timeoutMs, signal }: Patience,
): Promise<readonly T[]> {
  const endMs = clock.monotonic() + timeoutMs;
  let left = things;
  let span: Span | undefined;
  try {
    while (left.length > 0) {
      left = await look(left);
      if (left.length === 0 || clock.monotonic() >= endMs) break;
      span ??= tracing?.current()?.begin(`wait until ${until}`, { attributes: { "brokkr.wait.objects": left.length } });
      await clock.sleep(intervalMs, signal);
    }
    return left;
  } finally {
    span?.end(left.length > 0 && !signal.aborted ? { errorType: "timeout" } : {});
  }
}
