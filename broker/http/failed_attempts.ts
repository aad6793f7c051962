import type { Clock } from "$lib/clock.ts";
import { LruCache } from "$lib/lru_cache.ts";

const BURST = 10;
const MS_EACH = 1_000;
const ADDRESSES_MAX = 10_000;

/**
 * How often each address has lately failed to say who it is: it may 10 times, and once a second. The addresses that
 * failed last are remembered; who comes from ever new ones is bounded by how many keys are looked up at once.
 */
export class FailedAttempts {
  readonly #clock: Clock;
  /** When the bucket of an address is full again, in monotonic milliseconds. */
  readonly #fullAtMs = new LruCache<string, number>(ADDRESSES_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Charges one more to the address. */
  charge(address: string): void {
    const nowMs = this.#clock.monotonic();
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.find(address) ?? nowMs) + MS_EACH;
    this.#fullAtMs.keep(address, Math.min(fullAtMs, nowMs + BURST * MS_EACH));
  }

  /** Whether it failed more often than it may. */
  areTooMany(address: string): boolean {
    const left = (this.#fullAtMs.find(address) ?? 0) - this.#clock.monotonic();
    return left > (BURST - 1) * MS_EACH;
  }
}
