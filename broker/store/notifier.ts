import type { Database } from "$lib/database.ts";
import type { Tracing } from "$lib/tracing.ts";
import { type Changed, CHANGES, writeNotices } from "../domain/notice.ts";
import type { NoticeStore } from "./mod.ts";

/**
 * Tells every replica what changed, once it is lasting: what changes while a notice is on its way goes together in the
 * next one. A notice within the change's own transaction would cost all of them their turn at the server's one queue.
 */
export class Notifier implements NoticeStore {
  readonly #database: Pick<Database, "notify">;
  readonly #tracing: Pick<Tracing, "within">;
  readonly #changed = new Set<Changed>();
  readonly #agentIds = new Set<string>();
  #sending: Promise<void> | undefined;

  constructor(database: Pick<Database, "notify">, tracing: Pick<Tracing, "within">) {
    this.#database = database;
    this.#tracing = tracing;
  }

  /** Tells that something of these kinds changed. */
  changed(...changed: readonly Changed[]): void {
    for (const one of changed) this.#changed.add(one);
    this.#send();
  }

  /** Tells that these agents' snapshots say something else than before. */
  agentsChanged(agentIds: readonly string[]): void {
    for (const id of agentIds) this.#agentIds.add(id);
    this.#send();
  }

  async flush(): Promise<void> {
    this.#send();
    await this.#sending;
  }

  #send(): void {
    if (this.#sending !== undefined || !this.#isLeft()) return;
    this.#sending = this.#tracing.within(undefined, () => this.#drain());
    this.#sending.catch(() => {}); // what was not sent is kept, and `flush` says why
  }

  #isLeft(): boolean {
    return this.#changed.size + this.#agentIds.size > 0;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#isLeft()) await this.#sendAll();
    } finally {
      this.#sending = undefined;
    }
  }

  async #sendAll(): Promise<void> {
    const [changed, agentIds] = [[...this.#changed], [...this.#agentIds]];
    this.#changed.clear();
    this.#agentIds.clear();
    try {
      await this.#database.notify(CHANGES, writeNotices({ changed, agentIds }));
    } catch (error) {
      for (const one of changed) this.#changed.add(one);
      for (const id of agentIds) this.#agentIds.add(id);
      throw error;
    }
  }
}
