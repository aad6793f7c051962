import assert from "node:assert/strict";
import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { AgentEvent } from "$lib/wire/event.ts";
import { bundle, configMap, namespace } from "./bundles.ts";
import { runCommand } from "./programs.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

const PAGE = "/api/v1/namespaces/lost/configmaps/page";

story("take-over: an agent that was made anew gets what the lost one applied", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const { admin, generator, agentId: lost } = world;
  const stack = await world.addStack("page");
  await world.untilApplied(
    await world.submit(stack, bundle(namespace("lost"), configMap("page", { namespace: "lost" }))),
  );
  const before = await world.cluster.get(PAGE);
  await world.agent.stop();
  await admin.send(z.unknown(), "DELETE", `/agents/${lost}`);
  const names = { name: "agent", cluster_name: "cluster", generator_ids: [world.generatorId] };
  const { agent: { id }, initial_pak: pak } = await admin.send(CreateAgentResponse, "POST", "/agents", names);
  await admin.send(z.unknown(), "PUT", `/agents/${id}`, { status: "ACTIVE" });
  const takeOver = (...words: readonly string[]) =>
    runCommand("agent", ["take-over", `--from=${lost}`, ...words], {
      AGENT__BROKER_URL: world.broker.url,
      AGENT__PAK: pak,
      AGENT__AGENT_NAME: "agent",
      AGENT__CLUSTER_NAME: "cluster",
      AGENT__KUBECONFIG_PATH: world.cluster.kubeconfigPath,
    });
  const newest = async () => (await admin.send(z.array(AgentEvent), "GET", `/agents/${id}/events`))[0];

  const early = await takeOver();
  await generator.send(z.unknown(), "POST", `/agents/${id}/targets`, { agent_id: id, stack_id: stack });
  await world.startAgent({ AGENT__PAK: pak });
  await eventually("the new agent names the lost one, and the way out", async () => {
    return (await newest())?.message?.includes(`take-over --from ${lost}`) === true;
  });
  const taken = await takeOver("--force");
  await eventually("the new agent has the stack", async () => (await newest())?.status === "SUCCESS");
  const again = await takeOver();

  assert.deepEqual([early.code, early.stdout], [1, ""]);
  assert.match(early.stderr, /its root was written at .*--force/);
  assert.equal(taken.code, 0, taken.stderr);
  assert.ok(taken.stderr.endsWith(`taken over from agent ${lost}: 1 stacks, 2 objects\n`), taken.stderr);
  assert.match(again.stderr, /0 stacks, 0 objects; namespace "default" has no stack of it\n$/);
  assert.equal((await world.cluster.get(PAGE))?.metadata.uid, before?.metadata.uid);
  assert.equal(await world.cluster.get(`/api/v1/namespaces/default/configmaps/brokkr-agent-${lost}`), undefined);
  await generator.send(z.unknown(), "DELETE", `/stacks/${stack}`);
  await eventually("the stack is gone", async () => await world.cluster.get(PAGE) === undefined);
});
