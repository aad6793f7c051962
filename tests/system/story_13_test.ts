import assert from "node:assert/strict";
import { z } from "zod";
import { Stack } from "$lib/wire/stack.ts";
import { configMap } from "./bundles.ts";
import { pause } from "../run/wait.ts";
import { scrape } from "./metrics_page.ts";
import { LIGHT, POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const KILLS = 3;
const WRITERS = 3;

story("13: a killed broker loses no acknowledged write", POOLED_TOO, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  const acknowledged: string[] = [];

  for (let kill = 0; kill < KILLS; kill++) {
    await writeUntilKilled(world, acknowledged);
    await world.startBroker();
  }

  const stacks = await world.admin.send(z.array(Stack), "GET", "/stacks");
  const there = new Set(stacks.map(({ name }) => name));
  assert.deepEqual(acknowledged.filter((name) => !there.has(name)), []);
});

async function writeUntilKilled(world: World, acknowledged: string[]): Promise<void> {
  const [generator] = await world.admin.send(z.array(z.looseObject({ id: z.string() })), "GET", "/generators");
  let isOver = false;
  const writers = Array.from({ length: WRITERS }, async () => {
    while (!isOver) {
      const name = crypto.randomUUID();
      const answer = await world.admin.call("POST", "/stacks", { name, generator_id: generator?.id }).catch(() =>
        undefined
      );
      if (answer?.status === 201) acknowledged.push(name);
    }
  });
  const before = acknowledged.length;
  await eventually("some are acknowledged", () => acknowledged.length > before + 1);
  await pause(Math.random() * 500);
  await world.broker.kill();
  isOver = true;
  await Promise.all(writers);
}

story("13: SIGTERM finishes requests in flight and exits 0", POOLED_TOO, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  const stack = await world.addStack("page");
  const before = await admitted(world);
  const { body, write, close } = slowBody();
  const answering = fetch(`${world.broker.url}/api/v1/stacks/${stack}/deployment-objects`, {
    method: "POST",
    headers: { authorization: world.adminPak, "content-type": "application/yaml" },
    body,
  });
  await write(configMap("page").slice(0, 20));
  await eventually("the request is in flight", async () => await admitted(world) > before);

  const stopping = world.broker.stop();
  await eventually("the broker is stopping", () => world.broker.output().includes("stopping"));
  await write(configMap("page").slice(20));
  await close();
  const answer = await answering;
  await answer.body?.cancel();

  assert.equal(answer.status, 201);
  assert.equal(await stopping, 0);
});

story("13: SIGTERM ends an agent with 0, whether its broker is there or not", LIGHT, async (parts) => {
  await using world = await openWorld({ parts });
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));

  const first = await world.agent.stop();
  await world.broker.stop();
  await world.startAgent();

  assert.deepEqual([first, await world.agent.stop()], [0, 0]);
});

/** Requests whose key the broker has found good. */
async function admitted({ broker }: World): Promise<number> {
  return (await scrape(broker.url)).get('brokkr_auth_attempts_total{result="success"}') ?? 0;
}

function slowBody() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  return {
    body: readable,
    write: (text: string) => writer.write(encoder.encode(text)),
    close: () => writer.close(),
  };
}
