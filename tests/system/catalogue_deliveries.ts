import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { LATE_SECONDS, LOST_SECONDS } from "./catalogue_broker.ts";
import { Movement } from "./movement.ts";
import { ageHeartbeat, agePending } from "./refresh.ts";
import type { World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/news";

/**
 * Takes deliveries through every state, and the agent through every connectivity, as the broker's page tells of them.
 */
export async function driveDeliveries(world: World): Promise<Movement> {
  const cluster = world.servers.simulated ?? assert.fail("the cluster can't be broken");
  const broker = new Movement(() => world.broker.url);
  const stack = await world.addStack("news");
  const released = Promise.withResolvers<void>();
  const heal = cluster.fault({ method: "PATCH", path: PAGE }, { times: Infinity, until: released.promise });
  await broker.expect("an object is on its way", async () => {
    await world.submit(stack, configMap("news"));
  }, { to: { ...deliveries("applying", 1), 'brokkr_agents{connectivity="connected"}': 1, "brokkr_active_agents": 1 } });
  await broker.expect("it has arrived", () => {
    heal();
    return Promise.resolve(released.resolve());
  }, {
    by: { 'brokkr_delivery_duration_seconds_count{stage="applied"}': 1 },
    to: { ...deliveries("applying", 0), ...deliveries("applied", 4), ...deliveries("removed", 1) },
  });
  await broker.expect("an object is refused, and others do not matter", async () => {
    await world.submit(stack, configMap("news", { namespace: "nowhere" }));
  }, {
    by: { 'brokkr_delivery_duration_seconds_count{stage="delivered"}': 1, "brokkr_deployment_objects_total": 1 },
    to: deliveries("failed", 1),
  });
  await world.agent.kill();
  const spare = await world.addStack("spare");
  await broker.expect("something waits for an agent that is late", async () => {
    await world.submit(spare, configMap("spare"));
    await ageHeartbeat(world, (LATE_SECONDS + LOST_SECONDS) / 2);
  }, {
    by: { "brokkr_deployment_objects_total": 1, 'brokkr_connectivity_transitions_total{to="late"}': 1 },
    more: [
      "brokkr_oldest_pending_delivery_age_seconds",
      "brokkr_agent_heartbeat_age_seconds",
      "brokkr_deliveries_stale",
    ],
    to: { ...deliveries("pending", 1), 'brokkr_agents{connectivity="late"}': 1, ...healthy(0) },
  });
  await broker.expect("its time is over", () => agePending(world, 300), {
    by: { 'brokkr_delivery_slo_total{result="late"}': 1 },
  });
  await broker.expect("a stack is deleted while the agent is lost", async () => {
    await world.admin.call("DELETE", `/stacks/${stack}`);
    await ageHeartbeat(world, LOST_SECONDS);
  }, {
    by: { "brokkr_stacks_total": -1, 'brokkr_connectivity_transitions_total{to="lost"}': 1 },
    to: { ...deliveries("terminating", 1), 'brokkr_agents{connectivity="lost"}': 1, "brokkr_active_agents": 0 },
  });
  return broker;
}

function healthy(count: number): Record<string, number> {
  return { 'brokkr_deliveries_health{health="healthy"}': count };
}

function deliveries(state: string, count: number): Record<string, number> {
  return { [`brokkr_deliveries{state="${state}"}`]: count };
}
