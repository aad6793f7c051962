import type { Clock } from "$lib/clock.ts";
import { LruCache } from "$lib/lru_cache.ts";
import type { ChangedKeys } from "../domain/notice.ts";
import type { KnownKey } from "../store/mod.ts";

/** What keeping answers takes. */
export interface KeyCacheParts {
  readonly clock: Clock;
  /** How long an answer of the store is believed, in milliseconds; 0 keeps none but of keys that nobody has. */
  readonly ttlMs: number;
}

/** What the store said of a hash. */
export interface KeyAnswer {
  /** Absent where nobody has such a key. */
  readonly key: KnownKey | undefined;
}

interface KeptKey {
  readonly key: KnownKey;
  readonly untilMs: number;
}

/** How long a key that nobody has is remembered, and how many: one that is made later is nobody's guess. */
const UNKNOWN_TTL_MS = 10_000;
const UNKNOWN_MAX = 1_000;
/** For how long after a notice of its own a replica believes that it has heard of every change before. */
const ECHO_MAX_MS = 1_000;

/**
 * What the store said of keys, by their hashes, used while this replica is sure to hear of changed keys: a key that is
 * rotated or deleted here ends at once, elsewhere within a second.
 */
export class KeyCache {
  readonly #parts: KeyCacheParts;
  readonly #known = new Map<string, KeptKey>();
  /** Until when a key that nobody has need not be looked up again. */
  readonly #unknown = new LruCache<string, number>(UNKNOWN_MAX);
  /** Every change before this time has been heard of. */
  #heardMs = -Infinity;
  #changes = 0;

  constructor(parts: KeyCacheParts) {
    this.#parts = parts;
  }

  /** What is known of a hash; undefined where the store is to be asked. */
  find(hash: string): KeyAnswer | undefined {
    const nowMs = this.#parts.clock.monotonic();
    if (this.#heardMs <= nowMs - ECHO_MAX_MS) return undefined;
    const known = this.#known.get(hash);
    if (known !== undefined && known.untilMs > nowMs) return known;
    return (this.#unknown.find(hash) ?? 0) > nowMs ? { key: undefined } : undefined;
  }

  /**
   * Asks the store, and keeps what it says unless keys changed meanwhile.
   *
   * @param ask Reads the key of this hash; what it throws is kept nowhere.
   */
  async ask(hash: string, ask: () => Promise<KnownKey | undefined>): Promise<KnownKey | undefined> {
    const changes = this.#changes;
    const key = await ask();
    if (this.#changes === changes) this.#keep(hash, key);
    return key;
  }

  /** Forgets the answers for these keys; every answer where they are not named. */
  forget({ pakHashes }: Pick<ChangedKeys, "pakHashes">): void {
    this.#changes += 1;
    this.#unknown.clear();
    if (pakHashes === undefined) this.#known.clear();
    for (const hash of pakHashes ?? []) this.#known.delete(hash);
  }

  /** Hears that every change of keys which was told of before a time has been heard of. */
  heard(sentMs: number): void {
    this.#heardMs = sentMs;
  }

  /** Forgets everything: changes may have been missed. */
  missed(): void {
    this.#heardMs = -Infinity;
    this.forget({});
  }

  #keep(hash: string, key: KnownKey | undefined): void {
    const nowMs = this.#parts.clock.monotonic();
    if (key === undefined) return this.#unknown.keep(hash, nowMs + UNKNOWN_TTL_MS);
    this.#known.set(hash, { key, untilMs: nowMs + Math.min(this.#parts.ttlMs, key.endsInMs ?? Infinity) });
  }
}
