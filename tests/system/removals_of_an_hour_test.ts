import assert from "node:assert/strict";
import type { DeploymentObject } from "$lib/wire/stack.ts";
import { bundle, configMap } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { untilPolled } from "./polls.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const NAMES = Array.from({ length: 50 }, (_, index) => `c${index}`);
const STACKS = Array.from({ length: 12 }, (_, index) => `s${index}`);

story(
  "of issue 10, line 13: a bundle that shrinks from 50 to 1 is held until it is approved",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const stackId = await world.addStack("shrinking");
    await world.untilApplied(await world.submit(stackId, bundle(...NAMES.map((name) => configMap(name)))));

    const shrunk = await world.submit(stackId, bundle(configMap("c0", { value: "2" }), configMap("new")));
    const revision = await heldRevision(world, shrunk);
    await world.agent.kill();
    await world.startAgent();
    await untilPolled(world, 3, "empty"); // a restarted agent has another chance to do harm
    assert.equal(await count(world), NAMES.length + 1);
    await eventually("the page says that it is held", async () => await blocked(world) === 1);
    assert.equal(await approve(world, revision - 1), 409);

    assert.equal(await approve(world, revision), 204);
    await world.untilApplied(shrunk);
    assert.equal(await count(world), 2);
    await eventually("nothing is held", async () => await blocked(world) === 0);
  },
);

story("of issue 10, line 13: three stacks less each poll are held after the first", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const ids = await Promise.all(STACKS.map((name) => world.addStack(name)));
  const objects = await Promise.all(ids.map((id, index) => world.submit(id, configMap(`c${index}`))));
  for (const object of objects) await world.untilApplied(object);

  await untarget(world, ids.slice(0, 3));
  for (const object of objects.slice(0, 3)) await world.untilRemoved(object);
  await untarget(world, ids.slice(3, 6));
  await eventually("the next three are held", async () => await blocked(world) === 3);
  await untarget(world, ids.slice(6, 9));
  await eventually("and those after them", async () => await blocked(world) === 6);

  await untilPolled(world, 3, "empty");
  assert.equal(await count(world), 9);
});

async function untarget({ admin, agentId }: World, stackIds: readonly string[]): Promise<void> {
  for (const id of stackIds) {
    assert.equal((await admin.call("DELETE", `/agents/${agentId}/targets/${id}`)).status, 204);
  }
}

/** How many of the ConfigMaps are there. */
async function count({ cluster }: World): Promise<number> {
  const names = [...NAMES, "new"];
  const found = await Promise.all(names.map((name) => cluster.get(`/api/v1/namespaces/default/configmaps/${name}`)));
  return found.filter((object) => object !== undefined).length;
}

async function blocked({ agent }: World): Promise<number | undefined> {
  return (await scrape(agent.url)).get("brokkr_agent_prunes_blocked");
}

async function heldRevision(world: World, object: DeploymentObject): Promise<number> {
  return await eventually("an event names the revision", async () => {
    const messages = (await world.events(object.id)).map(({ message }) => message ?? "");
    const revision = messages.map((text) => /revision (\d+)/.exec(text)?.[1]).find((found) => found !== undefined);
    return revision === undefined ? undefined : Number(revision);
  });
}

async function approve({ admin, agentId }: World, revision: number): Promise<number> {
  return (await admin.call("POST", `/agents/${agentId}/approve-prune`, { revision })).status;
}
