import { LruCache } from "$lib/lru_cache.ts";

/** Bytes of all bodies together: some 2,000 agents of 100 stacks each. */
const MAX_BYTES = 64 * 1024 * 1024;
/** What an entry takes besides its body. */
const ENTRY_BYTES = 500;

interface Entry {
  readonly etag: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * The newest snapshot of each agent as it was last answered, ready to be sent again while it is the newest: what a
 * snapshot says changes with its tag and never without. The least lately asked for goes first.
 */
export class SnapshotCache {
  readonly #entries: LruCache<string, Entry>;

  constructor(maxBytes = MAX_BYTES) {
    this.#entries = new LruCache(maxBytes, ({ body }) => body.length + ENTRY_BYTES);
  }

  /** Whether it is worth asking for the agent's newest tag. */
  has(agentId: string): boolean {
    return this.#entries.has(agentId);
  }

  /** The body with this tag. */
  find(agentId: string, etag: string): Uint8Array<ArrayBuffer> | undefined {
    const entry = this.#entries.find(agentId);
    return entry?.etag === etag ? entry.body : undefined;
  }

  /** Keeps an agent's newest. */
  keep(agentId: string, entry: Entry): void {
    this.#entries.keep(agentId, entry);
  }

  /**
   * Forgets everything: a database that was away may be another when it is back, with the same tags for other things.
   */
  clear(): void {
    this.#entries.clear();
  }
}
