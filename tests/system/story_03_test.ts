import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";
const REPAIRED = "brokkr_agent_drift_repaired_total";
const RESYNC_SECONDS = 3;
/** For the turn itself, on a machine that does much else. */
const SLACK_SECONDS = 4;

story("3: what is changed or deleted by hand is repaired within one resync interval", POOLED_TOO, async (parts) => {
  await using world = await openWorld({ parts, agentSettings: { AGENT__RESYNC_INTERVAL: String(RESYNC_SECONDS) } });
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page", { value: "1" })));
  const whole = { value: "1" };
  assert.deepEqual(await dataOf(world), whole);

  await world.cluster.patch(PAGE, { data: { value: "by hand" } });
  await repaired("the field", async () => (await dataOf(world))?.value === "1");
  await world.cluster.remove(PAGE);
  await repaired("the object", async () => await dataOf(world) !== undefined);

  assert.deepEqual(await dataOf(world), whole);
  await eventually("both are counted", async () => (await scrape(world.agent.url)).get(REPAIRED) === 2);
});

async function dataOf({ cluster }: World): Promise<Readonly<Record<string, string>> | undefined> {
  return (await cluster.get(PAGE))?.data as Record<string, string> | undefined;
}

async function repaired(what: string, question: () => Promise<boolean>): Promise<void> {
  await eventually(`${what} is back`, question, { seconds: RESYNC_SECONDS + SLACK_SECONDS });
}
