import assert from "node:assert/strict";
import { z } from "zod";
import { AgentFleetStatusResponse } from "$lib/wire/fleet.ts";
import { Delivery, DeliveryDetails } from "$lib/wire/delivery.ts";
import { StackSubmission } from "$lib/wire/stack.ts";
import { Agent } from "$lib/wire/agent.ts";
import { configMap } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { ageHeartbeat } from "./refresh.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const LATE_SECONDS = 60;

/** Who shows how well something works: whether it calls anything of the one agent healthy. */
const SURFACES: Readonly<Record<string, (world: World, stackId: string) => Promise<boolean>>> = {
  "the list of deliveries": async ({ admin }) =>
    (await admin.send(z.array(Delivery), "GET", "/deliveries")).some(({ health }) => health === "healthy"),
  "the list of what is healthy": async ({ admin }) =>
    (await admin.send(z.array(Delivery), "GET", "/deliveries?health=healthy")).length > 0,
  "a delivery": async ({ admin, agentId }, stackId) => {
    const one = await admin.send(DeliveryDetails, "GET", `/deliveries/${agentId}/${stackId}`);
    return one.health === "healthy" || one.objects.some(({ health }) => health === "healthy");
  },
  "the agent's counts": async ({ admin, agentId }) =>
    ((await admin.send(Agent, "GET", `/agents/${agentId}`)).deliveries?.by_health.healthy ?? 0) > 0,
  "the stack's history": async ({ admin }, stackId) =>
    (await admin.send(z.array(StackSubmission), "GET", `/stacks/${stackId}/history`))[0]?.agents_healthy === 1,
  "the metrics": async ({ broker }) =>
    ((await scrape(broker.url)).get('brokkr_deliveries_health{health="healthy"}') ?? 0) > 0,
};

story(
  "34: a dead agent's verdicts are stale everywhere once it is late, and right again when it is back",
  [["postgres"]],
  async (parts) => {
    const brokerSettings = {
      AGENTS__LATE_AFTER_SECONDS: String(LATE_SECONDS),
      AGENTS__LOST_AFTER_SECONDS: "600",
      METRICS__REFRESH_INTERVAL: "1",
    };
    await using world = await openWorld({ parts, brokerSettings });
    const stackId = await world.addStack("web");
    await world.untilApplied(await world.submit(stackId, configMap("web")));
    const sayHealthy = async () => {
      const said = Object.entries(SURFACES).map(async ([name, ask]) => await ask(world, stackId) ? [name] : []);
      return (await Promise.all(said)).flat();
    };
    const all = Object.keys(SURFACES);
    await eventually("everything says that it is healthy", async () => (await sayHealthy()).length === all.length);

    await world.agent.kill();
    await ageHeartbeat(world, LATE_SECONDS);

    const [one] = await world.admin.send(z.array(Delivery), "GET", "/deliveries?stale=true");
    assert.deepEqual([one?.health, one?.is_stale, one?.last_known?.health], ["unknown", true, "healthy"]);
    assert.deepEqual((await sayHealthy()).filter((name) => name !== "the metrics"), []);
    await eventually("a refresh later the metrics don't say so either", async () => (await sayHealthy()).length === 0);
    const { record } = await world.admin.send(AgentFleetStatusResponse, "GET", `/agents/${world.agentId}/fleet-status`);
    assert.ok((record.heartbeat_age_seconds ?? 0) >= LATE_SECONDS);

    await world.startAgent();
    await eventually("all of them say so again", async () => (await sayHealthy()).length === all.length);
  },
);
