import assert from "node:assert/strict";
import { VERSION } from "$lib/program/version.ts";
import { configMap } from "./bundles.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { NEVER_LATE, untilRefreshed } from "./refresh.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const OF_AGENTS =
  /^brokkr_(active_agents|agents|agent_heartbeat_age_seconds|deliveries|oldest_(pending|unhealthy)_delivery_age_seconds)/;
/** A version that no agent has any more has no series. */
const BY_VERSION = `brokkr_agents_by_version{version="${VERSION}"}`;

story("16: a deleted agent's contribution leaves every metric by the next refresh", EVERYWHERE, async (parts) => {
  await using world = await openWorld({
    parts,
    brokerSettings: { METRICS__REFRESH_INTERVAL: "1", ...NEVER_LATE },
  });
  await contribute(world);
  const before = await eventually("the agent's work is on the page", async () => {
    const page = ofAgents(await scrape(world.broker.url));
    assert.deepEqual(withoutAges(page), {
      "brokkr_active_agents": 1,
      'brokkr_agents{connectivity="connected"}': 1,
      'brokkr_agents_kubernetes{reachable="true"}': 1,
      [BY_VERSION]: 1,
      'brokkr_deliveries{state="applied"}': 1,
      'brokkr_deliveries{state="failed"}': 1,
      'brokkr_deliveries{state="pending"}': 1,
    });
    assert.equal(sumOf(page, "brokkr_deliveries_health"), 3);
    return page["brokkr_oldest_pending_delivery_age_seconds"] !== 0 && page;
  });

  await world.admin.call("DELETE", `/agents/${world.agentId}`);

  await untilRefreshed(world.broker);
  const page = await scrape(world.broker.url);
  assert.deepEqual(Object.entries(ofAgents(page)).filter(([, value]) => value !== 0), []);
  assert.deepEqual(Object.keys(ofAgents(page)), Object.keys(before).filter((series) => series !== BY_VERSION));
  assert.equal(page.get("brokkr_stacks_total"), 3);
});

/** Deliveries of three states, of which the pending one gets older, because the agent is dead by then. */
async function contribute(world: World): Promise<void> {
  await world.untilApplied(await world.submit(await world.addStack("good"), configMap("page")));
  const bad = await world.submit(await world.addStack("bad"), configMap("page", { namespace: "nowhere" }));
  await eventually("the failure is reported", async () => (await world.events(bad.id))[0]?.status === "FAILURE");
  await world.agent.kill();
  await world.submit(await world.addStack("late"), configMap("late"));
}

function ofAgents(page: Samples): Readonly<Record<string, number>> {
  return Object.fromEntries([...page].filter(([series]) => OF_AGENTS.test(series)));
}

function sumOf(series: Readonly<Record<string, number>>, name: string): number {
  return Object.entries(series).reduce((sum, [one, value]) => one.startsWith(name) ? sum + value : sum, 0);
}

/** Without ages, and without how well things work, which the agent may not have said before its end. */
function withoutAges(series: Readonly<Record<string, number>>): Record<string, number> {
  const counts = Object.entries(series).filter(([name, value]) => value !== 0 && !/_age_|_health/.test(name));
  return Object.fromEntries(counts);
}
