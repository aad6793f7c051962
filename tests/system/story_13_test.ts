import assert from "node:assert/strict";
import { z } from "zod";
import { Stack } from "$lib/wire/stack.ts";
import { configMap } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { openWorld, type World } from "./world.ts";

const KILLS = 3;
const WRITERS = 3;

story("13: a killed broker loses no acknowledged write", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  const acknowledged: string[] = [];

  for (let kill = 0; kill < KILLS; kill++) {
    await writeUntilKilled(world, acknowledged);
    await world.startBroker();
  }

  const stacks = await world.admin.send(z.array(Stack), "GET", "/stacks");
  const there = new Set(stacks.map(({ name }) => name));
  assert.ok(acknowledged.length > KILLS, "the broker must have acknowledged some writes");
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
  await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 500));
  await world.broker.kill();
  isOver = true;
  await Promise.all(writers);
}

story("13: SIGTERM finishes requests in flight and exits 0", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const stack = await world.addStack("page");
  const { body, write, close } = slowBody();
  const answering = fetch(`${world.broker.url}/api/v1/stacks/${stack}/deployment-objects`, {
    method: "POST",
    headers: { authorization: world.adminPak, "content-type": "application/yaml" },
    body,
  });
  await write(configMap("page").slice(0, 20));
  await new Promise((resolve) => setTimeout(resolve, 200));

  const stopping = world.broker.stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await write(configMap("page").slice(20));
  await close();
  const answer = await answering;
  await answer.body?.cancel();

  assert.equal(answer.status, 201);
  assert.equal(await stopping, 0);
  assert.equal(await world.agent.stop(), 0);
});

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
