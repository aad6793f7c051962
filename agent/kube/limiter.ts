/** Lets a bounded number of works run at once; the rest wait in the order they came. */
export interface Limiter {
  /** Runs `work` when its turn comes; rejects with the signal's reason, at once, when that aborts before. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** A limiter of `limit` works in flight. */
export function createLimiter(limit: number): Limiter {
  let running = 0;
  const waiting = new Set<() => void>();
  return {
    async run(work, signal) {
      if (running >= limit) await turnIn(waiting, signal);
      else running += 1;
      try {
        signal?.throwIfAborted();
        return await work();
      } finally {
        const [next] = waiting;
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}

/** Resolves when whoever gives its place on calls what this adds to `waiting`. */
function turnIn(waiting: Set<() => void>, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", leave, { once: true });
    waiting.add(begin);
    function begin(): void {
      waiting.delete(begin);
      signal?.removeEventListener("abort", leave);
      resolve();
    }
    function leave(): void {
      waiting.delete(begin);
      reject(signal?.reason);
    }
  });
}

/** Waits until every one has ended; then rejects as the first in their order that did. */
export async function allEnded<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}
