import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { OF_WORKING_REPLICA, type Samples, scrape } from "./metrics_page.ts";
import type { Program } from "./programs.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

story(
  "of two replicas: one works, the other stands by and takes over when the first one ends",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts, agentSettings: { AGENT__LEASE: "true" } });
    const first = world.agent;
    await world.untilApplied(await world.submit(await world.addStack("one"), configMap("one")));
    await world.startAgent();
    const second = world.agent;

    const standby = await eventually("the second one stands by", async () => {
      const page = await scrape(second.url);
      return page.get("brokkr_agent_leader") === 0 && page;
    });
    assert.deepEqual([...standby.keys()].filter((series) => OF_WORKING_REPLICA.test(series)), []);
    const working = ["200", "lease: held, this replica works"].join();
    await eventually("the first one says that it works", async () => (await readyz(first)).join() === working);
    assert.deepEqual(await readyz(second), [200, "lease: not held, this replica stands by"]);
    assert.deepEqual(await leaders(first, second), [1, 0]);
    assert.equal(await holders(world), 1);

    assert.equal(await first.stop(), 0);
    await world.untilApplied(await world.submit(await world.addStack("two"), configMap("two")));
    const page = await scrape(second.url);
    assert.equal(page.get("brokkr_agent_leader"), 1);
    assert.equal(page.get("brokkr_agent_broker_connected"), 1);
    assert.ok((page.get('brokkr_agent_poll_requests_total{result="success"}') ?? 0) > 0);
  },
);

/** The status of `/readyz`, and its line about the Lease. */
async function readyz({ url }: Program): Promise<readonly (number | string | undefined)[]> {
  const answer = await fetch(new URL("/readyz", url));
  return [answer.status, (await answer.text()).split("\n").find((line) => line.startsWith("lease"))];
}

async function leaders(...agents: readonly Program[]): Promise<readonly (number | undefined)[]> {
  const pages: readonly Samples[] = await Promise.all(agents.map(({ url }) => scrape(url)));
  return pages.map((page) => page.get("brokkr_agent_leader"));
}

/** How many times the Lease was handed on, the first included. */
async function holders({ cluster, agentId }: World): Promise<number> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/default/leases/brokkr-agent-${agentId}`;
  const lease = await cluster.get(path) as { readonly spec?: { readonly leaseTransitions?: number } } | undefined;
  return 1 + (lease?.spec?.leaseTransitions ?? NaN);
}
