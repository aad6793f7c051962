import assert from "node:assert/strict";
import { pause, waitFor } from "../run/wait.ts";

/** Writes what holds the key, which nothing else does; gives back the status, and rejects where there was no answer. */
export type Write = (key: string) => Promise<number>;

const TRY_EVERY_MS = 500;

/** A client that writes one thing after the other, and remembers of which it was told that they are written. */
export class Writer {
  readonly acknowledged: string[] = [];
  readonly #write: Write;
  #isOver = false;

  constructor(write: Write) {
    this.#write = write;
  }

  /** So many that must all succeed. */
  async writes(count: number): Promise<void> {
    for (let made = 0; made < count; made += 1) assert.equal(await this.#try(), 201);
  }

  /** As fast as it can, whatever becomes of them, until it is stopped. */
  async writesOn(): Promise<void> {
    while (!this.#isOver) await this.#try().catch(() => pause(TRY_EVERY_MS / 10));
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Tries until one succeeds; what is answered before may be refused in one way only. */
  async untilTaken(): Promise<void> {
    const statuses = new Set<number>();
    await waitFor(async () => statuses.add(await this.#try()).has(201) ? true : undefined, {
      what: "write once there is a primary",
      intervalMs: TRY_EVERY_MS,
    });
    assert.deepEqual(statuses.difference(new Set([201, 503])), new Set());
  }

  async #try(): Promise<number> {
    const key = crypto.randomUUID();
    const status = await this.#write(key);
    if (status >= 200 && status < 300) this.acknowledged.push(key);
    return status;
  }
}
