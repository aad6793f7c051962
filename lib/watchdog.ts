import type { Clock } from "$lib/clock.ts";

/** What a watchdog needs. */
export interface WatchdogOptions {
  readonly clock: Clock;
  readonly limitMs: number;
}

interface Run {
  readonly sinceMs: number;
  readonly overdue: () => void;
}

/**
 * Notices when something runs for too long, with one timer for all that runs: a timer each would cost more than the
 * rest.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  /** In the order in which they were begun. */
  readonly #running = new Set<Run>();
  #cancel: (() => void) | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Runs `work`; calls `overdue`, once, when it has run for as long as it may. */
  async over<T>(work: () => Promise<T>, overdue: () => void): Promise<T> {
    const { clock, limitMs } = this.#options;
    const run = { sinceMs: clock.monotonic(), overdue };
    this.#running.add(run);
    this.#cancel ??= clock.after(limitMs, () => this.#look());
    try {
      return await work();
    } finally {
      this.#running.delete(run);
    }
  }

  /** Ends the watch, whatever still runs. */
  stop(): void {
    this.#cancel?.();
    this.#running.clear();
  }

  /** Looks at what runs longest, and again when the next would be due. */
  #look(): void {
    this.#cancel = undefined;
    const { clock, limitMs } = this.#options;
    for (const run of this.#running) {
      const leftMs = run.sinceMs + limitMs - clock.monotonic();
      if (leftMs > 0) {
        this.#cancel = clock.after(leftMs, () => this.#look());
        return;
      }
      this.#running.delete(run);
      run.overdue();
    }
  }
}
