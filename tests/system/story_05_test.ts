import assert from "node:assert/strict";
import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { configMap } from "./bundles.ts";
import { POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const MOVED = "/api/v1/namespaces/default/configmaps/moved";
const STAYING = "/api/v1/namespaces/default/configmaps/staying";

story(
  "5: a stack retargeted while its agent is down is pruned once the agent is back",
  POOLED_TOO,
  async (parts) => {
    await using world = await openWorld({ parts });
    const [moved, staying] = [await world.addStack("moved"), await world.addStack("staying")];
    const object = await world.submit(moved, configMap("moved"));
    await world.untilApplied(object);
    await world.untilApplied(await world.submit(staying, configMap("staying")));
    const { uid } = (await world.cluster.get(STAYING))?.metadata ?? {};

    await world.agent.kill();
    await retarget(world, moved);
    await world.startAgent();
    await eventually("its object is gone", async () => await world.cluster.get(MOVED) === undefined);

    assert.ok(uid !== undefined);
    assert.equal((await world.cluster.get(STAYING))?.metadata.uid, uid);
    await world.untilRemoved(object);
  },
);

/** Gives the stack to another agent, of another cluster. */
async function retarget({ admin, agentId, generatorId }: World, stackId: string): Promise<void> {
  const { agent } = await admin.send(CreateAgentResponse, "POST", "/agents", {
    name: "other",
    cluster_name: "other",
    generator_ids: [generatorId],
  });
  const target = { agent_id: agent.id, stack_id: stackId };
  await admin.send(z.unknown(), "POST", `/agents/${agent.id}/targets`, target);
  assert.equal((await admin.call("DELETE", `/agents/${agentId}/targets/${stackId}`)).status, 204);
}
