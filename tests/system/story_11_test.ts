import assert from "node:assert/strict";
import { stringify } from "yaml";
import { Agent } from "$lib/wire/agent.ts";
import { alertRules, recordingRules } from "../promql/rule_files.ts";
import { type Prometheus, startPrometheus } from "../prometheus/prometheus.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { ageHeartbeat } from "./refresh.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const ALERT = "BrokkrAgentDisconnected";
/** It stays late until the test makes its last heartbeat older: a scrape sees it, whatever else the machine does. */
const [LATE_SECONDS, LOST_SECONDS, REFRESH_SECONDS, SCRAPE_SECONDS] = [3, 600, 1, 1];

story(
  "11: a killed agent is late, then lost, and never called connected; the alert fires, and resolves on its return",
  [["postgres", "prometheus"]],
  async (parts) => {
    await using world = await openWorld({
      parts,
      brokerSettings: {
        AGENTS__LATE_AFTER_SECONDS: String(LATE_SECONDS),
        AGENTS__LOST_AFTER_SECONDS: String(LOST_SECONDS),
        METRICS__REFRESH_INTERVAL: String(REFRESH_SECONDS),
      },
    });
    await using prometheus = await watching(world);
    await eventually("Prometheus sees it connected, and nothing is amiss", async () => {
      return await shown(prometheus) === "connected" && (await prometheus.alerts()).length === 0;
    });

    await world.agent.kill();
    const lies: unknown[] = [];
    const untilPageSays = (wanted: string) =>
      eventually(`its heartbeat is old enough for ${wanted}`, async () => {
        const { state, agents } = await onPage(world);
        if (agents[state] !== 1) lies.push({ state, agents });
        return state === wanted;
      });
    await untilPageSays("late");
    await eventually("Prometheus sees it late", async () => await shown(prometheus) === "late");
    await ageHeartbeat(world, LOST_SECONDS);
    await untilPageSays("lost");
    assert.deepEqual(lies, []);
    await eventually("Prometheus sees it lost", async () => await shown(prometheus) === "lost");
    await eventually("the alert fires", async () => (await prometheus.alerts())[0]?.state === "firing");
    assert.deepEqual(await alertStates(prometheus), ["firing", "pending"]);
    await assertNowhereConnected(world);

    await world.startAgent();
    await eventually("Prometheus sees it connected again", async () => await shown(prometheus) === "connected");
    await eventually("the alert is resolved", async () => (await prometheus.alerts()).length === 0);
    await eventually("its heartbeat is young again", async () => {
      return (await onPage(world)).state === "connected" && silenceSeconds(await agentOf(world)) < LATE_SECONDS;
    });
  },
);

/** A Prometheus with a copy of the shipped rule that is in a hurry. */
async function watching({ broker }: World): Promise<Prometheus> {
  const alert = alertRules().find(({ alert }) => alert === ALERT) ?? assert.fail(`there is no ${ALERT}`);
  const { path: _, keep_firing_for: _kept, ...rule } = alert;
  const recordings = recordingRules().map(({ path: _, ...recording }) => recording);
  const rules = { groups: [{ name: "hurry", interval: "500ms", rules: [...recordings, { ...rule, for: "2s" }] }] };
  return await startPrometheus({
    version: 3,
    config: scrapeConfig([{ job: "broker", url: broker.url }], {
      interval: `${SCRAPE_SECONDS}s`,
      ruleFiles: ["rules.yaml"],
    }),
    files: { "rules.yaml": stringify(rules) },
  });
}

/** The one connectivity in which Prometheus knows an agent; undefined when that is not one. */
async function shown(prometheus: Prometheus): Promise<string | undefined> {
  const agents = await prometheus.query("brokkr_agents > 0");
  return agents.length === 1 && agents[0]?.value === 1 ? agents[0].labels["connectivity"] : undefined;
}

/** The states that the alert went through. */
async function alertStates(prometheus: Prometheus): Promise<readonly (string | undefined)[]> {
  const samples = await prometheus.query(`last_over_time(ALERTS{alertname="${ALERT}"}[10m])`);
  return samples.map(({ labels }) => labels["alertstate"]).sort();
}

/** What the agent is by the age of its heartbeat on the broker's page, and what the same page calls it. */
async function onPage({ broker }: World) {
  const page = await scrape(broker.url);
  const age = page.get("brokkr_agent_heartbeat_age_seconds") ?? assert.fail("no gauges are on the page");
  const state = age < LATE_SECONDS ? "connected" : age < LOST_SECONDS ? "late" : "lost";
  return { state, agents: agentsOf(page) };
}

async function assertNowhereConnected(world: World): Promise<void> {
  const body = await agentOf(world);
  assert.ok(!JSON.stringify(body).includes("connected"), "the API must not call it connected");
  assert.ok(silenceSeconds(body) >= LOST_SECONDS, `the API says that its last heartbeat was ${body.last_heartbeat}`);
  const page = await scrape(world.broker.url);
  assert.deepEqual(agentsOf(page), { connected: 0, late: 0, lost: 1, never: 0 });
  assert.equal(page.get("brokkr_active_agents"), 0);
}

function agentOf({ admin, agentId }: World): Promise<Agent> {
  return admin.send(Agent, "GET", `/agents/${agentId}`);
}

function silenceSeconds({ last_heartbeat: time }: Agent): number {
  return (Date.now() - Date.parse(time ?? assert.fail("it never sent a heartbeat"))) / 1_000;
}

function agentsOf(page: Samples): Record<string, number | undefined> {
  const connectivities = ["connected", "late", "lost", "never"];
  return Object.fromEntries(connectivities.map((one) => [one, page.get(`brokkr_agents{connectivity="${one}"}`)]));
}
