import assert from "node:assert/strict";
import { z } from "zod";
import { AgentFleetStatusResponse } from "$lib/wire/fleet.ts";
import { Delivery, DeliveryDetails } from "$lib/wire/delivery.ts";
import { StackSubmission } from "$lib/wire/stack.ts";
import { Agent } from "$lib/wire/agent.ts";
import { configMap } from "./bundles.ts";
import { visitConsole } from "./console_visitor.ts";
import { HEALTHY_PAGES } from "./healthy_pages.ts";
import { scrape } from "./metrics_page.ts";
import { runCommand } from "./programs.ts";
import { ageHeartbeat } from "./refresh.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const LATE_SECONDS = 60;

type Asking = (world: World, stackId: string) => Promise<boolean>;

/** Who shows how well something works: whether it calls anything of the one agent healthy. */
const SURFACES: Readonly<Record<string, Asking>> = {
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

/** What people see, by which what a command prints calls something healthy. */
const COMMANDS: Readonly<Record<string, RegExp>> = {
  "get deliveries": /^agent +web +applied +healthy\b/m,
  "get agents": /^agent .* ACTIVE +1 +1 /m,
  "history web": /^\d+ +\S+ ago +1 +1 +1 /m,
  "explain web": /healthy with 1/,
  "explain web agent": /^applied, healthy:/m,
  "top": /^of these: 1 healthy/m,
};

/** Commands and pages that call something of the agent healthy, by their words and addresses. */
async function sayHealthyToPeople(world: World, stackId: string): Promise<readonly string[]> {
  const { broker, adminPak, agentId } = world;
  const visitor = await visitConsole(broker.url, adminPak);
  const folder = await Deno.makeTempDir({ prefix: "brokkr-key-" });
  await Deno.writeTextFile(`${folder}/pak`, adminPak, { mode: 0o600 });
  const connection = ["--broker-url", broker.url, "--pak-file", `${folder}/pak`];
  const commands = Object.entries(COMMANDS).map(async ([line, healthy]) => {
    const { code, stdout, stderr } = await runCommand("broker", [...line.split(" "), ...connection], {});
    assert.equal(code, 0, `${line}: ${stderr}`);
    return healthy.test(stdout) ? [line] : [];
  });
  const pages = HEALTHY_PAGES.map(async ({ name, pathOf, healthy }) =>
    healthy.test(await visitor.read(pathOf({ agentId, stackId }))) ? [name] : []
  );
  const said = await Promise.all([...commands, ...pages]).finally(() => Deno.remove(folder, { recursive: true }));
  return said.flat();
}

const TO_PEOPLE = [...Object.keys(COMMANDS), ...HEALTHY_PAGES.map(({ name }) => name)];

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
    assert.deepEqual(await sayHealthyToPeople(world, stackId), TO_PEOPLE);

    await world.agent.kill();
    await ageHeartbeat(world, LATE_SECONDS);

    const [one] = await world.admin.send(z.array(Delivery), "GET", "/deliveries?stale=true");
    assert.deepEqual([one?.health, one?.is_stale, one?.last_known?.health], ["unknown", true, "healthy"]);
    assert.deepEqual((await sayHealthy()).filter((name) => name !== "the metrics"), []);
    await eventually("a refresh later the metrics don't say so either", async () => (await sayHealthy()).length === 0);
    assert.deepEqual(await sayHealthyToPeople(world, stackId), []);
    const { record } = await world.admin.send(AgentFleetStatusResponse, "GET", `/agents/${world.agentId}/fleet-status`);
    assert.ok((record.heartbeat_age_seconds ?? 0) >= LATE_SECONDS);

    await world.startAgent();
    await eventually("all of them say so again", async () => (await sayHealthy()).length === all.length);
    assert.deepEqual(await sayHealthyToPeople(world, stackId), TO_PEOPLE);
  },
);
