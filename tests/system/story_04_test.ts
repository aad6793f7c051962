import assert from "node:assert/strict";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { configMap } from "./bundles.ts";
import { POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const GOING = "/api/v1/namespaces/default/configmaps/going";
const STAYING = "/api/v1/namespaces/default/configmaps/staying";

story(
  "4: a stack deleted while its agent is down is terminating until the agent returns and prunes it",
  POOLED_TOO,
  async (parts) => {
    await using world = await openWorld({ parts });
    const [going, staying] = [await world.addStack("going"), await world.addStack("staying")];
    await world.untilApplied(await world.submit(going, configMap("going")));
    await world.untilApplied(await world.submit(staying, configMap("staying")));
    const { uid } = (await world.cluster.get(STAYING))?.metadata ?? {};

    await world.agent.stop();
    assert.equal((await world.generator.call("DELETE", `/stacks/${going}`)).status, 204);
    const whileDown = await eventually("the deletion is settled", async () => {
      const now = await states(world);
      return now.get(going) === "present" ? undefined : now;
    });
    assert.ok(await world.cluster.get(GOING) !== undefined, "nobody is there to prune it");
    await world.startAgent();
    await eventually("its object is gone", async () => await world.cluster.get(GOING) === undefined);
    await eventually("the broker knows", async () => !(await states(world)).has(going));

    assert.deepEqual(whileDown, new Map([[going, "terminating"], [staying, "present"]]));
    assert.deepEqual(await states(world), new Map([[staying, "present"]]));
    assert.ok(uid !== undefined);
    assert.equal((await world.cluster.get(STAYING))?.metadata.uid, uid);
  },
);

/** Each stack's state in the agent's snapshot. */
async function states({ admin, agentId }: World): Promise<ReadonlyMap<string, string>> {
  const { stacks } = await admin.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
  return new Map(stacks.map(({ stack_id, state }) => [stack_id, state]));
}
