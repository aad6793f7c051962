import assert from "node:assert/strict";
import { z } from "zod";
import { Stack } from "$lib/wire/stack.ts";
import { configMap } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { untilPolled } from "./polls.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const NAMES = ["one", "two", "three", "four", "five"];
const LABEL = "berlin";

story(
  "8: a label typo that would remove more than the guard allows is held, shown, and goes on after approval",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const staying = await world.submit(await world.addStack("staying"), configMap("staying"));
    await world.untilApplied(staying);
    await setLabel(world, LABEL);
    const objects = await Promise.all(NAMES.map((name) => submitLabelled(world, name)));
    for (const object of objects) await world.untilApplied(object);
    const before = await uids(world);

    await takeLabel(world, LABEL);
    await setLabel(world, "berln");
    await eventually("all removals are held", async () => await held(world) === NAMES.length);
    const revision = await heldRevision(world);
    await untilPolled(world, 5, "empty"); // every turn has another chance to do harm
    assert.deepEqual(await uids(world), before);
    assert.equal(await approve(world, revision - 1), 409);
    assert.deepEqual(await uids(world), before);

    assert.equal(await approve(world, revision), 204);
    await eventually("every object is gone", async () => (await uids(world)).every((uid) => uid === undefined));
    await eventually("nothing is held", async () => await held(world) === 0);
    assert.ok(before.every((uid) => uid !== undefined));
    assert.ok(await world.cluster.get("/api/v1/namespaces/default/configmaps/staying") !== undefined);
  },
);

async function setLabel({ admin, agentId }: World, label: string): Promise<void> {
  await admin.send(z.unknown(), "POST", `/agents/${agentId}/labels`, { agent_id: agentId, label });
}

async function takeLabel({ admin, agentId }: World, label: string): Promise<void> {
  assert.equal((await admin.call("DELETE", `/agents/${agentId}/labels/${label}`)).status, 204);
}

async function submitLabelled(world: World, name: string): ReturnType<World["submit"]> {
  const { generator, generatorId } = world;
  const stack = await generator.send(Stack, "POST", "/stacks", { name, generator_id: generatorId });
  await generator.send(z.unknown(), "POST", `/stacks/${stack.id}/labels`, JSON.stringify(LABEL));
  return await world.submit(stack.id, configMap(name));
}

async function uids({ cluster }: World): Promise<readonly (string | undefined)[]> {
  const objects = NAMES.map((name) => cluster.get(`/api/v1/namespaces/default/configmaps/${name}`));
  return (await Promise.all(objects)).map((object) => object?.metadata.uid);
}

async function held({ agent }: World): Promise<number | undefined> {
  return (await scrape(agent.url)).get("brokkr_agent_prunes_blocked");
}

/** As an admin finds it: in the event that says why. */
async function heldRevision(world: World): Promise<number> {
  return await eventually("an event names the revision", async () => {
    const messages = (await world.events()).map(({ message }) => message ?? "");
    const revision = messages.map((text) => /revision (\d+)/.exec(text)?.[1]).find((found) => found !== undefined);
    return revision === undefined ? undefined : Number(revision);
  });
}

async function approve({ admin, agentId }: World, revision: number): Promise<number> {
  return (await admin.call("POST", `/agents/${agentId}/approve-prune`, { revision })).status;
}
