/** Lets a bounded number of works run at once; the rest wait in the order they came. */
export interface Limiter {
  /** Runs `work` when its turn comes; rejects with the signal's reason when that aborts before. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** A limiter of `limit` works in flight. */
export function createLimiter(limit: number): Limiter {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(work, signal) {
      if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        signal?.throwIfAborted();
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
