import assert from "node:assert/strict";
import { z } from "zod";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { Stack } from "$lib/wire/stack.ts";
import { findPostgres } from "../postgres/postgres_server.ts";
import { startReplicated } from "../postgres/replicated_servers.ts";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import { type Api, apiClient } from "./api.ts";
import { adminKey } from "./keys.ts";
import { startBroker, untilReady } from "./programs.ts";
import { eventually } from "./wait.ts";

const TRY_EVERY_MS = 500;
const WRITES = 20;

testWith(
  "postgres",
  "30: the primary database dies and the standby is promoted: no acknowledged write is lost",
  async () => {
    await using parts = new AsyncDisposableStack();
    const binaries = await findPostgres();
    assert.ok(binaries);
    const servers = parts.use(await startReplicated(binaries));
    const { pak, pakHash } = await adminKey();
    const settings = { DATABASE__URL: servers.url, BROKER__PAK_HASH: pakHash };
    const brokers = [parts.use(startBroker(settings)), parts.use(startBroker(settings))];
    await Promise.all(brokers.map(untilReady));
    const [near, far] = brokers.map(({ url }) => apiClient(url, pak));
    assert.ok(near && far);
    const { generator } = await near.send(CreateGeneratorResponse, "POST", "/generators", { name: "team" });
    const writers = [near, far].map((api) => new Writer(api, generator.id));

    await Promise.all(writers.map((writer) => writer.writes(WRITES)));
    const dying = writers.map((writer) => writer.writesOn());
    await servers.killPrimary();
    await servers.promote();
    for (const writer of writers) writer.stop();
    await Promise.all(dying);
    await Promise.all(writers.map((writer) => writer.untilTaken()));
    await Promise.all(writers.map((writer) => writer.writes(WRITES)));

    for (const api of [near, far]) {
      const there = new Set((await api.send(z.array(Stack), "GET", "/stacks")).map(({ name }) => name));
      const lost = writers.flatMap(({ acknowledged }) => acknowledged).filter((name) => !there.has(name));
      assert.deepEqual(lost, []);
    }
    for (const { url } of brokers) {
      await eventually("both are ready", async () => {
        const answer = await fetch(`${url}/readyz`);
        await answer.body?.cancel();
        return answer.status === 200;
      });
    }
  },
);

/** A client that makes stacks, and remembers which it was told are made. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly #api: Api;
  readonly #generatorId: string;
  #isOver = false;

  constructor(api: Api, generatorId: string) {
    this.#api = api;
    this.#generatorId = generatorId;
  }

  /** So many that must all succeed. */
  async writes(count: number): Promise<void> {
    for (let made = 0; made < count; made += 1) assert.equal(await this.#write(), 201);
  }

  /** As fast as it can, whatever becomes of them, until it is stopped. */
  async writesOn(): Promise<void> {
    while (!this.#isOver) await this.#write();
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Tries until one succeeds; what comes before may be refused in one way only. */
  async untilTaken(): Promise<void> {
    const statuses = new Set<number>();
    await waitFor(async () => statuses.add(await this.#write()).has(201) ? true : undefined, {
      what: "write once there is a primary",
      intervalMs: TRY_EVERY_MS,
    });
    assert.deepEqual(statuses.difference(new Set([201, 503])), new Set());
  }

  async #write(): Promise<number> {
    const name = crypto.randomUUID();
    const { status } = await this.#api.call("POST", "/stacks", { name, generator_id: this.#generatorId });
    if (status >= 200 && status < 300) this.acknowledged.push(name);
    return status;
  }
}
