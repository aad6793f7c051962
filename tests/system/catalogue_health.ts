import assert from "node:assert/strict";
import type { Movement } from "./movement.ts";
import type { World } from "./world.ts";

const CLAIM = "/api/v1/namespaces/default/persistentvolumeclaims/store";
const MANIFEST = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: store, namespace: default }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }`;

/** Takes what an agent applied through every health, as both pages tell of it. */
export async function driveHealth(
  world: World,
  { agent, broker }: { readonly agent: Movement; readonly broker: Movement },
): Promise<void> {
  const cluster = world.servers.simulated ?? assert.fail("the cluster can't be broken");
  const stack = await world.addStack("store");
  const become = (phase: string) => world.cluster.patch(`${CLAIM}/status`, { status: { phase } });
  const is = async (health: string, happens: () => Promise<unknown>, more: readonly string[] = []) =>
    await agent.expect(`the agent sees ${health}`, async () => {
      await broker.expect(`something is ${health}`, happens, {
        more,
        to: { [`brokkr_deliveries_health{health="${health}"}`]: 1 },
      });
    }, { to: { [`brokkr_agent_managed_objects_health{health="${health}"}`]: 1 } });

  await is("progressing", async () => await world.submit(stack, MANIFEST), [
    "brokkr_oldest_unhealthy_delivery_age_seconds",
  ]);
  await is("degraded", () => become("Lost"));
  await broker.expect("it works", () => become("Bound"), {
    by: { 'brokkr_delivery_duration_seconds_count{stage="healthy"}': 1 },
    more: ['brokkr_delivery_slo_total{result="in_time"}', 'brokkr_deliveries_health{health="healthy"}'],
    to: { "brokkr_oldest_unhealthy_delivery_age_seconds": 0 },
  });
  const heal = cluster.fault({ verb: "get", path: /persistentvolumeclaims/ }, { times: Infinity, status: 403 });
  await is("unknown", () => become("Pending"));
  heal();
  const recover = cluster.fault({ path: "/version" }, { times: Infinity, status: 503 });
  await broker.expect("the agent does not reach its API server", () => Promise.resolve(), {
    to: { 'brokkr_agents_kubernetes{reachable="false"}': 1 },
  });
  await broker.expect("it does again", () => Promise.resolve(recover()), {
    to: { 'brokkr_agents_kubernetes{reachable="true"}': 1 },
  });
  await agent.expect("all works", () => become("Bound"), {
    more: ['brokkr_agent_managed_objects_health{health="healthy"}'],
    to: { 'brokkr_agent_managed_objects_health{health="unknown"}': 0 },
  });
}
