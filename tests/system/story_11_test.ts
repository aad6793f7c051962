import assert from "node:assert/strict";
import { stringify } from "yaml";
import { Agent } from "$lib/wire/agent.ts";
import { alertRules } from "../promql/rule_files.ts";
import { type Prometheus, startPrometheus } from "../prometheus/prometheus.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const ALERT = "BrokkrAgentDisconnected";
const [LATE_SECONDS, LOST_SECONDS, REFRESH_SECONDS, SCRAPE_SECONDS] = [3, 6, 1, 1];
/** What a machine that does other things too may add. */
const SLACK_SECONDS = 2;

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
    await eventually("Prometheus sees it connected", async () => await shown(prometheus) === "connected");
    assert.deepEqual(await prometheus.alerts(), []);

    await world.agent.kill();
    const killedMs = Date.now();
    const states = watchAlert(prometheus);
    await eventually("Prometheus sees it late", async () => await shown(prometheus) === "late", { everyMs: 20 });
    const tookSeconds = (Date.now() - killedMs) / 1_000;
    assert.ok(tookSeconds <= LATE_SECONDS + REFRESH_SECONDS + SCRAPE_SECONDS + SLACK_SECONDS, `${tookSeconds} s`);
    const [age] = await prometheus.query("brokkr_agent_heartbeat_age_seconds");
    assert.ok((age?.value ?? 0) >= LATE_SECONDS, `its heartbeat is ${age?.value} s old`);

    await eventually("Prometheus sees it lost", async () => await shown(prometheus) === "lost");
    await eventually("the alert fires", () => states.at(-1) === "firing");
    assert.deepEqual(states, ["pending", "firing"]);
    await assertNowhereConnected(world);

    await world.startAgent();
    await eventually("Prometheus sees it connected again", async () => await shown(prometheus) === "connected");
    await eventually("the alert is resolved", async () => (await prometheus.alerts()).length === 0);
    assert.ok(silenceSeconds(await agentOf(world)) < LATE_SECONDS);
    const fresh = (await scrape(world.broker.url)).get("brokkr_agent_heartbeat_age_seconds") ?? Infinity;
    assert.ok(fresh < LATE_SECONDS, `its heartbeat is ${fresh} s old`);
  },
);

/** A Prometheus with a copy of the shipped rule that is in a hurry. */
async function watching({ broker }: World): Promise<Prometheus> {
  const { path: _, ...rule } = alertRules().find(({ alert }) => alert === ALERT) ?? assert.fail(`there is no ${ALERT}`);
  const rules = { groups: [{ name: "hurry", interval: "500ms", rules: [{ ...rule, for: "2s" }] }] };
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

/** The states that the alert goes through from now on, until it is firing. */
function watchAlert(prometheus: Prometheus): readonly string[] {
  const states: string[] = [];
  void eventually("the alert fires", async () => {
    const [alert] = await prometheus.alerts();
    if (alert !== undefined && states.at(-1) !== alert.state) states.push(alert.state);
    return alert?.state === "firing";
  }).catch(() => states.push("neither"));
  return states;
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
