import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { gaugeReads } from "./from_outside.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

story(
  "17: with metrics.enabled = false there is no /metrics, nothing is collected, everything else works",
  EVERYWHERE,
  async (parts) => {
    const off = { METRICS__ENABLED: "false" };
    await using world = await openWorld({
      ...{ parts, agentSettings: off },
      brokerSettings: { ...off, METRICS__REFRESH_INTERVAL: "1" },
    });

    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));

    for (const url of [world.broker.url, world.agent.url]) {
      assert.equal(await status(`${url}/metrics`), 404);
      assert.equal(await status(`${url}/healthz`), 200);
      await eventually(`${url} is ready`, async () => await status(`${url}/readyz`) === 200);
    }
    if (world.servers.postgres !== undefined) assert.equal(await gaugeReads(world.servers.postgres), 0);
  },
);

async function status(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  return answer.status;
}
