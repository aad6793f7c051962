/** Time, as a part that is handed in: the one home of `Date.now`, `performance.now` and `setTimeout`. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds of a clock that never goes back; only differences mean anything. */
  monotonic(): number;
  /**
   * Waits `ms` milliseconds.
   *
   * @throws The signal's reason, at once when `signal` is aborted.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `work` once after `ms` milliseconds, unless the returned function is called first. */
  after(ms: number, work: () => void): () => void;
}

/** The machine's own clock. */
export function systemClock(): Clock {
  return { now: Date.now, monotonic: () => performance.now(), sleep, after };
}

/** When this process started, in milliseconds since the Unix epoch. */
export function processStartMs(): number {
  return performance.timeOrigin;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const cancel = after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    function stop(): void {
      cancel();
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function after(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/** A deadline: its `signal` aborts with a `TimeoutError` when the time is over or with the outer signal's reason. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Starts a deadline of `ms` milliseconds, to be held by `using` so that its timer ends with the work.
 *
 * @param outer Another signal that ends the work as well.
 */
export function deadline(clock: Clock, ms: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const cancel = clock.after(ms, () => controller.abort(new DOMException(`Timed out after ${ms} ms`, "TimeoutError")));
  const stop = () => controller.abort(outer?.reason); // AbortSignal.any takes 27 µs and leaves something with `outer`
  if (outer?.aborted) stop();
  outer?.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancel();
      outer?.removeEventListener("abort", stop);
    },
  };
}

/** What `work` comes to, or what `late` gives, or throws, where that takes longer than `ms` milliseconds. */
export async function inTime<T>(
  work: Promise<T>,
  { clock, ms }: { readonly clock: Clock; readonly ms: number },
  late: () => T,
): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  return await Promise.race([work, promise.then(late)]).finally(cancel);
}

/** Resolves when the signal aborts, at once where it has: it would not say so again. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** What `work` comes to, or the signal's reason once that aborts first; nothing of this stays with the signal. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
