import assert from "node:assert/strict";
import { z } from "zod";
import { DeploymentObject } from "$lib/wire/stack.ts";
import { apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const OBJECT = "/api/v1/namespaces/default/configmaps/left";

story(
  "what is in the cluster of a stack that the broker takes to be removed is removed, as after a restore",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const [stackId, otherId] = [await world.addStack("left"), await world.addStack("other")];
    await world.untilApplied(await world.submit(otherId, configMap("other")));
    await world.untilApplied(await world.submit(stackId, configMap("left")));

    await world.agent.kill();
    await takeAsRemoved(world, stackId);
    await world.startAgent();

    await eventually("its object is gone", async () => await world.cluster.get(OBJECT) === undefined);
    assert.ok(await world.cluster.get("/api/v1/namespaces/default/configmaps/other") !== undefined);
  },
);

/** Marks a stack as deleted and says that it is gone, as its agent may have before the backup. */
async function takeAsRemoved({ agentId, agentPak, broker, generator }: World, stackId: string): Promise<void> {
  const marker = { yaml_content: "", is_deletion_marker: true };
  await generator.send(DeploymentObject, "POST", `/stacks/${stackId}/deployment-objects`, marker);
  const agent = apiClient(broker.url, agentPak);
  await eventually("the deletion is settled", async () => {
    const { stacks } = await agent.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
    return stacks.some(({ stack_id, state }) => stack_id === stackId && state === "terminating");
  });
  const report = { agent_id: agentId, stack_id: stackId, state: "removed" };
  await agent.send(z.unknown(), "POST", `/agents/${agentId}/events`, report);
}

const Snapshot = z.object({ stacks: z.array(z.object({ stack_id: z.string(), state: z.string() })) });
