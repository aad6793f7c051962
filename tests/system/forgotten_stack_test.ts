import assert from "node:assert/strict";
import { bundle, configMap, namespace } from "./bundles.ts";
import { polls, untilPolled } from "./polls.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const REFUSED = bundle(namespace("Not_A_Name"));

story(
  "of stacks that leave while their agent is down and has no record of them: their deliveries end, each by one event",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const [refused, forgotten] = [await world.addStack("refused"), await world.addStack("forgotten")];
    const objects = [await world.submit(refused, REFUSED), await world.submit(forgotten, configMap("left"))] as const;
    await untilReported(world, objects[0].id);
    await world.untilApplied(objects[1]);

    await world.agent.kill();
    await forget(world, forgotten);
    for (const id of [refused, forgotten]) {
      assert.equal((await world.admin.call("DELETE", `/agents/${world.agentId}/targets/${id}`)).status, 204);
    }
    await world.startAgent();
    for (const object of objects) await world.untilRemoved(object);
    await untilPolled(world, 5, "empty"); // with a resync between them

    for (const { id } of objects) {
      assert.equal((await world.events(id)).filter(({ event_type: type }) => type === "DELETE").length, 1);
    }
  },
);

story("of a stack that never had an object: nothing is said of its end, by nobody", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const empty = await world.addStack("empty");
  await world.untilApplied(await world.submit(await world.addStack("other"), configMap("other")));
  const [before, seen] = [await world.events(), await polls(world, "success")];

  assert.equal((await world.generator.call("DELETE", `/stacks/${empty}`)).status, 204);
  await eventually("the agent has seen that it is deleted", async () => await polls(world, "success") > seen);
  await untilPolled(world, 5, "empty"); // with a resync between them

  assert.deepEqual(await world.events(), before);
  assert.doesNotMatch(world.agent.output(), /refuses|"level":"(error|warn)"/i);
});

async function untilReported(world: World, objectId: string): Promise<void> {
  await eventually("the refusal is reported", async () => (await world.events(objectId)).length > 0);
}

/** Takes the record of a stack away, as a person may by mistake. */
async function forget({ cluster, agentId }: World, stackId: string): Promise<void> {
  const parent = `/api/v1/namespaces/default/configmaps/brokkr-stack-${stackId}-${agentId.slice(0, 8)}`;
  assert.ok(await cluster.get(parent) !== undefined);
  await cluster.remove(parent);
}
