/** How long and how often to ask; `what` completes "Cannot <what>: …". */
export interface WaitOptions {
  readonly what: string;
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** Adds to the error what is known by then. */
  readonly detail?: () => Promise<string>;
}

/**
 * Asks until `ask` answers something other than `undefined`; what it throws counts as "not yet".
 *
 * @throws When `timeoutMs` milliseconds (120,000 when left out: enough for a machine whose cores are busy with
 * something else) pass first, also where a try does not end at all; with the last failure as its cause.
 */
export async function waitFor<T>(ask: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const { what, timeoutMs = 120_000, intervalMs = 50, detail } = options;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (let leftMs = timeoutMs; leftMs > 0; leftMs = deadline - performance.now()) {
    try {
      const answer = await within(ask(), leftMs);
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error;
      if (error instanceof GivenUp) break;
    }
    await pause(intervalMs);
  }
  const known = detail === undefined ? "" : `\n${await detail()}`;
  throw new Error(`Cannot ${what}: ${reason(cause, timeoutMs)}${known}`, { cause });
}

/** What a try gives, unless it takes longer than there is time. */
async function within<T>(tried: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it has not ended")), ms);
  try {
    return await Promise.race([tried, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Thrown inside {@linkcode waitFor} by who knows that asking again is of no use. */
export class GivenUp extends Error {}

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function reason(cause: unknown, timeoutMs: number): string {
  if (cause instanceof GivenUp) return cause.message;
  const last = cause instanceof Error ? ` (the last try: ${cause.message})` : "";
  return `not so after ${timeoutMs / 1000} s${last}`;
}
