import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { untilPolled } from "./polls.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";

story(
  "12: an agent without its broker neither exits nor stops repairing drift, and catches up",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({ parts, startsAgent: false });
    const stack = await world.addStack("page");
    const first = await world.submit(stack, configMap("page", { value: "1" }));
    await world.broker.kill();

    await world.startAgent();
    assert.equal(await isAlive(world.agent.url), true, "an agent that finds no broker waits");
    await world.startBroker();
    await world.untilApplied(first);

    await world.broker.kill();
    await untilPolled(world, 1, "error");
    await world.cluster.remove(PAGE);
    await eventually("the object is back, without a broker", async () => await world.cluster.get(PAGE) !== undefined);
    await world.cluster.patch(PAGE, { data: { value: "by hand" } });
    await eventually("the field is back", async () => {
      return (await world.cluster.get(PAGE) as { data?: { value?: string } } | undefined)?.data?.value === "1";
    });

    await world.startBroker();
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "2" })));
    assert.deepEqual((await world.cluster.get(PAGE))?.data, { value: "2" });
  },
);

async function isAlive(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/healthz`);
  await answer.body?.cancel();
  return answer.status === 200;
}
