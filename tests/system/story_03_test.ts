import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { looksInVain } from "./looks.ts";
import { scrape } from "./metrics_page.ts";
import { POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";
const REPAIRED = "brokkr_agent_drift_repaired_total";
/** Says of each turn how it ended. */
const TALKATIVE = { LOG__LEVEL: "debug", LOG__FORMAT: "json" };

story("3: what is changed or deleted by hand is repaired within one resync interval", POOLED_TOO, async (parts) => {
  await using world = await openWorld({ parts, agentSettings: TALKATIVE });
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page", { value: "1" })));
  const whole = { value: "1" };
  assert.deepEqual(await dataOf(world), whole);

  await world.cluster.patch(PAGE, { data: { value: "by hand" } });
  await repairedAtOnce(world, "the field", async () => (await dataOf(world))?.value === "1");
  await world.cluster.remove(PAGE);
  await repairedAtOnce(world, "the object", async () => await dataOf(world) !== undefined);

  assert.deepEqual(await dataOf(world), whole);
  await eventually("both are counted", async () => (await scrape(world.agent.url)).get(REPAIRED) === 2);
});

async function dataOf({ cluster }: World): Promise<Readonly<Record<string, string>> | undefined> {
  return (await cluster.get(PAGE))?.data as Record<string, string> | undefined;
}

/** What was just changed is put right by the next turn: a resync brings one, and so does a watch before it. */
async function repairedAtOnce(world: World, what: string, isRepaired: () => Promise<boolean>): Promise<void> {
  const sinceMs = Date.now();
  await eventually(`${what} is back`, isRepaired);
  const vain = await looksInVain(world.agent, sinceMs);
  assert.ok(vain <= 1, `${vain} turns did not see it: one may have been under way`);
}
