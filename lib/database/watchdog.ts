import type { Clock } from "$lib/clock.ts";

/** What a watchdog needs. */
export interface WatchdogOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Called when something has run for `limitMs`; once. */
  readonly overdue: () => void;
}

/** Notices when something runs for too long, with one timer for all that runs: a timer each would cost more than the rest. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #running = new Set<{ readonly sinceMs: number }>();
  #cancel: (() => void) | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Runs `work` under watch. */
  async over<T>(work: () => Promise<T>): Promise<T> {
    const { clock, limitMs } = this.#options;
    const run = { sinceMs: clock.monotonic() };
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

  /** Looks at what runs longest, and again when that would be due. */
  #look(): void {
    this.#cancel = undefined;
    const [longest] = this.#running;
    if (longest === undefined) return;
    const { clock, limitMs, overdue } = this.#options;
    const leftMs = longest.sinceMs + limitMs - clock.monotonic();
    if (leftMs <= 0) return overdue();
    this.#cancel = clock.after(leftMs, () => this.#look());
  }
}
