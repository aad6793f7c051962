import assert from "node:assert/strict";
import { z } from "zod";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { Stack } from "$lib/wire/stack.ts";
import { testWith } from "../run/parts.ts";
import { type Api, apiClient } from "./api.ts";
import { type ReplicatedBrokers, startReplicatedBrokers } from "./replicated_brokers.ts";
import { eventually } from "./wait.ts";
import { Writer } from "./writer.ts";

const WRITES = 10;
const READS = 20;

testWith(
  ["postgres", "pgbouncer"],
  "PgBouncer is moved to a standby before that is promoted: writes are refused as unavailable, reads go on, nothing is lost",
  async () => {
    await using brokers = await startReplicatedBrokers(["postgres", "pgbouncer"]);
    const statuses = new Set<number>();
    const { apis, writers } = await clientsOf(brokers, statuses);
    await Promise.all(writers.map((writer) => writer.writes(WRITES)));

    const writing = writers.map((writer) => writer.writesOn());
    await brokers.movePooler();
    await eventually("the standby refuses writes", () => statuses.has(503));
    for (const api of apis) {
      for (let read = 0; read < READS; read += 1) assert.equal((await api.call("GET", "/stacks?limit=1")).status, 200);
    }
    await brokers.servers.killPrimary();
    await brokers.promote();
    for (const writer of writers) writer.stop();
    await Promise.all(writing);
    await Promise.all(writers.map((writer) => writer.untilTaken()));
    await Promise.all(writers.map((writer) => writer.writes(WRITES)));

    assert.deepEqual(statuses, new Set([201, 503]));
    for (const api of apis) {
      const there = new Set((await api.send(z.array(Stack), "GET", "/stacks")).map(({ name }) => name));
      assert.deepEqual(writers.flatMap(({ acknowledged }) => acknowledged).filter((name) => !there.has(name)), []);
    }
    assert.doesNotMatch(brokers.near.output() + brokers.far.output(), /internal_error|request failed/);
  },
);

/** Of each broker one who asks, and one who makes stacks; what was answered to the latter is gathered. */
async function clientsOf({ near, far, adminPak }: ReplicatedBrokers, statuses: Set<number>) {
  const apis: readonly Api[] = [near, far].map(({ url }) => apiClient(url, adminPak));
  const { generator } = await apiClient(near.url, adminPak)
    .send(CreateGeneratorResponse, "POST", "/generators", { name: "team" });
  const writers = apis.map((api) =>
    new Writer(async (name) => {
      const { status } = await api.call("POST", "/stacks", { name, generator_id: generator.id });
      statuses.add(status);
      return status;
    })
  );
  return { apis, writers };
}
