import assert from "node:assert/strict";
import { promtool } from "../prometheus/promtool.ts";
import { testWith } from "../run/parts.ts";
import { configMap } from "../system/bundles.ts";
import { eventually } from "../system/wait.ts";
import { openWorld } from "../system/world.ts";

/** Two gauges of the store have names that Prometheus keeps for counters; the project's owner asked for these names. */
const ACCEPTED = [
  'brokkr_deployment_objects_total non-counter metrics should not have "_total" suffix',
  'brokkr_stacks_total non-counter metrics should not have "_total" suffix',
];

testWith("prometheus", "pages: promtool complains of two names that are accepted, and of nothing else", async () => {
  await using world = await openWorld({ parts: [] });
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
  const broker = await eventually("the gauges are on the page", async () => {
    const page = await pageOf(world.broker.url);
    return page.includes("brokkr_stacks_total") && page;
  });
  const agent = await pageOf(world.agent.url);

  for (const version of [2, 3] as const) {
    const { checkMetrics } = promtool(version);
    const [ofBroker, ofAgent] = [await checkMetrics(broker), await checkMetrics(agent)];

    assert.deepEqual(ofBroker.lines.toSorted(), ACCEPTED);
    assert.deepEqual(ofAgent, { code: 0, lines: [] });
  }
});

async function pageOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { headers: { accept: "text/plain" } });
  return await answer.text();
}
