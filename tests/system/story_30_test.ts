import assert from "node:assert/strict";
import { z } from "zod";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { Stack } from "$lib/wire/stack.ts";
import { testWith } from "../run/parts.ts";
import { apiClient } from "./api.ts";
import { startReplicatedBrokers } from "./replicated_brokers.ts";
import { eventually } from "./wait.ts";
import { Writer } from "./writer.ts";

const WRITES = 20;

testWith(
  "postgres",
  "30: the primary database dies and the standby is promoted: no acknowledged write is lost",
  async () => {
    await using brokers = await startReplicatedBrokers(["postgres"]);
    const apis = [brokers.near, brokers.far].map(({ url }) => apiClient(url, brokers.adminPak));
    const [near = assert.fail("no broker")] = apis;
    const { generator } = await near.send(CreateGeneratorResponse, "POST", "/generators", { name: "team" });
    const writers = apis.map((api) =>
      new Writer(async (name) => (await api.call("POST", "/stacks", { name, generator_id: generator.id })).status)
    );

    await Promise.all(writers.map((writer) => writer.writes(WRITES)));
    const dying = writers.map((writer) => writer.writesOn());
    await brokers.servers.killPrimary();
    await brokers.promote();
    for (const writer of writers) writer.stop();
    await Promise.all(dying);
    await Promise.all(writers.map((writer) => writer.untilTaken()));
    await Promise.all(writers.map((writer) => writer.writes(WRITES)));

    for (const api of apis) {
      const there = new Set((await api.send(z.array(Stack), "GET", "/stacks")).map(({ name }) => name));
      const lost = writers.flatMap(({ acknowledged }) => acknowledged).filter((name) => !there.has(name));
      assert.deepEqual(lost, []);
    }
    for (const { url } of [brokers.near, brokers.far]) {
      await eventually("both are ready", async () => {
        const answer = await fetch(`${url}/readyz`);
        await answer.body?.cancel();
        return answer.status === 200;
      });
    }
  },
);
