import { bundle, configMap, namespace } from "../../system/bundles.ts";
import type { World } from "../../system/world.ts";
import { type PlayedScenario, recordWorld, type Scenario } from "../scenario.ts";

const AGENT = { userAgent: /^brokkr-agent/ };

/** The API server breaks every connection of the agent's. */
export const API_SERVER_AWAY: Scenario = {
  name: "api_server_away",
  alerts: ["BrokkrAgentKubernetesErrors", "BrokkrClustersUnreachable"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await recorder.steps(6);
    const mend = fault(world, { times: Infinity, connection: "close" });
    recorder.breaks();
    await recorder.steps(16);
    mend();
    recorder.mends();
    await recorder.steps(26);
  }),
};

/** The API server takes two seconds for each answer. */
export const API_SERVER_SLOW: Scenario = {
  name: "api_server_slow",
  alerts: ["BrokkrAgentKubernetesLatency"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await recorder.steps(6);
    const mend = fault(world, { times: Infinity, delayMs: 2_000 });
    recorder.breaks();
    await recorder.steps(22);
    mend();
    recorder.mends();
    await recorder.steps(14);
  }),
};

/** A manifest is submitted that the API server refuses, and then a right one. */
export const MANIFEST_REFUSED: Scenario = {
  name: "manifest_refused",
  alerts: ["BrokkrDeliveriesFailing"],
  silent: ["BrokkrAgentKubernetesErrors"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));
    await recorder.steps(5);
    await world.submit(stack, configMap("Not A Name"));
    recorder.breaks();
    await recorder.steps(26);
    await world.submit(stack, configMap("page", { value: "2" }));
    recorder.mends();
    await recorder.steps(26);
  }),
};

/** The same for so long that the agent tries it again and again. */
export const TURNS_FAIL: Scenario = {
  name: "turns_fail",
  alerts: ["BrokkrAgentTurnsFailing"],
  pace: 20,
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));
    await recorder.steps(5);
    await world.submit(stack, configMap("Not A Name"));
    recorder.breaks();
    await recorder.steps(105);
    await world.submit(stack, configMap("page", { value: "2" }));
    recorder.mends();
    await recorder.steps(52);
  }),
};

/** A stack comes and one goes, each second; nothing is at fault. */
export const ROLLOUT: PlayedScenario = {
  name: "rollout",
  play: { title: "stacks come and go, one a minute", pages: [], tickets: [] },
  alerts: [],
  silent: ["BrokkrAgentKubernetesErrors", "BrokkrAgentNoSuccessfulPoll", "BrokkrAgentPollsFailing"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    await recorder.steps(6);
    recorder.breaks();
    const stacks: string[] = [];
    for (let at = 0; at < 24; at += 1) {
      const stack = await world.addStack(`rollout-${at}`);
      await world.submit(stack, bundle(namespace(`shop-${at}`), configMap("page", { namespace: `shop-${at}` })));
      stacks.push(stack);
      const leaving = at >= 12 ? stacks.shift() : undefined;
      if (leaving !== undefined) await world.admin.call("DELETE", `/stacks/${leaving}`);
      await recorder.steps(1);
    }
    recorder.mends();
    await recorder.steps(20);
  }),
};

/** Both stacks of an agent are taken from it at once, and given back. */
export const REMOVALS_HELD: Scenario = {
  name: "removals_held",
  alerts: ["BrokkrAgentPruneHeld"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const stacks = [await world.addStack("left"), await world.addStack("right")];
    for (const [at, stack] of stacks.entries()) {
      await world.untilApplied(await world.submit(stack, configMap(`page-${at}`)));
    }
    await recorder.steps(5);
    for (const stack of stacks) await world.admin.call("DELETE", `/agents/${world.agentId}/targets/${stack}`);
    recorder.breaks();
    await recorder.steps(16);
    for (const stack of stacks) {
      const target = { agent_id: world.agentId, stack_id: stack };
      await world.admin.call("POST", `/agents/${world.agentId}/targets`, target);
    }
    recorder.mends();
    await recorder.steps(10);
  }),
};

/** A stack drops its namespace, in which somebody has put something. */
export const NAMESPACE_IN_USE: Scenario = {
  name: "namespace_in_use",
  alerts: ["BrokkrDeliveriesBlocked"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const stack = await world.addStack("page");
    const both = bundle(namespace("shop"), configMap("page"));
    await world.untilApplied(await world.submit(stack, both));
    const foreign = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "foreign" } };
    await world.cluster.create("/api/v1/namespaces/shop/configmaps", foreign);
    await recorder.steps(5);
    await world.submit(stack, configMap("page"));
    recorder.breaks();
    await recorder.steps(16);
    await world.submit(stack, both);
    recorder.mends();
    await recorder.steps(24);
  }),
};

/** A stack is deleted with its namespace, in which somebody has put something, and takes away again. */
export const REMOVAL_BLOCKED: Scenario = {
  name: "removal_blocked",
  alerts: ["BrokkrDeliveriesTerminating"],
  pace: 120,
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, bundle(namespace("shop"), configMap("page"))));
    const foreign = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "foreign" } };
    await world.cluster.create("/api/v1/namespaces/shop/configmaps", foreign);
    await recorder.steps(5);
    await world.admin.call("DELETE", `/stacks/${stack}`);
    recorder.breaks();
    await recorder.steps(20);
    await world.cluster.remove("/api/v1/namespaces/shop/configmaps/foreign");
    recorder.mends();
    await recorder.steps(40);
  }),
};

/** Somebody deletes an object by hand again and again, and each time it is put back. */
export const DELETED_BY_HAND: Scenario = {
  name: "deleted_by_hand",
  alerts: ["BrokkrAgentDriftRepeats"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await recorder.steps(6);
    recorder.breaks();
    for (let at = 0; at < 75; at += 1) {
      await world.cluster.remove("/api/v1/namespaces/default/configmaps/page").catch(() => undefined);
      await recorder.steps(1);
    }
    recorder.mends();
    await recorder.steps(40);
  }),
};

function fault({ servers: { simulated } }: World, answer: Parameters<NonNullable<typeof simulated>["fault"]>[1]) {
  if (simulated === undefined) throw new Error("Cannot break the API server: it is not the simulated one");
  return simulated.fault(AGENT, answer);
}
