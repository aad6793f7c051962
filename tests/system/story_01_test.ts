import assert from "node:assert/strict";
import { bundle, configMap, deployment, namespace, service } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PATHS = [
  "/api/v1/namespaces/shop",
  "/api/v1/namespaces/shop/configmaps/page",
  "/apis/apps/v1/namespaces/shop/deployments/web",
  "/api/v1/namespaces/shop/services/web",
];

story("1: after an apply, five more polls change nothing", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const stack = await world.addStack("shop");
  const inShop = { namespace: "shop" };
  const app = bundle(namespace("shop"), configMap("page", inShop), deployment("web", inShop), service("web", inShop));
  await world.untilApplied(await world.submit(stack, app));
  await eventually("the three pods are available", () => availableReplicas(world).then((count) => count === 3));
  await polls(world, 1);
  const before = await versions(world);

  await polls(world, 5);

  assert.deepEqual(await versions(world), before);
});

async function availableReplicas(world: World): Promise<number | undefined> {
  const found = await world.cluster.get("/apis/apps/v1/namespaces/shop/deployments/web");
  return (found?.status as { availableReplicas?: number } | undefined)?.availableReplicas;
}

/** Waits until the agent has polled so many times more. */
async function polls(world: World, count: number): Promise<void> {
  const done = async () => {
    const samples = await scrape(world.agent.url);
    return [...samples].filter(([series]) => series.startsWith("brokkr_agent_poll_requests_total"))
      .reduce((sum, [, value]) => sum + value, 0);
  };
  const start = await done();
  await eventually(`the agent has polled ${count} times more`, async () => await done() >= start + count);
}

async function versions(world: World): Promise<readonly (readonly [string | undefined, string | undefined])[]> {
  const objects = await Promise.all(PATHS.map((path) => world.cluster.get(path)));
  assert.ok(objects.every((object) => object !== undefined), "every object must be in the cluster");
  return objects.map((object) => [object?.metadata.uid, object?.metadata.resourceVersion]);
}
