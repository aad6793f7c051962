import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { bundle, configMap, deployment, namespace, service } from "./bundles.ts";
import { untilPolled } from "./polls.ts";
import { POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PATHS = [
  "/api/v1/namespaces/shop",
  "/api/v1/namespaces/shop/configmaps/page",
  "/apis/apps/v1/namespaces/shop/deployments/web",
  "/api/v1/namespaces/shop/services/web",
];

story("1: after an apply, five more polls change nothing", POOLED_TOO, async (parts) => {
  await using world = await openWorld({ parts });
  const stack = await world.addStack("shop");
  const inShop = { namespace: "shop" };
  const app = bundle(namespace("shop"), configMap("page", inShop), deployment("web", inShop), service("web", inShop));
  await world.untilApplied(await world.submit(stack, app));
  await eventually("the three pods are available", () => availableReplicas(world).then((count) => count === 3));
  await untilPolled(world, 1);
  const before = await versions(world);

  await untilPolled(world, 5);

  assert.deepEqual(await versions(world), before);
});

async function availableReplicas(world: World): Promise<number | undefined> {
  const found = await world.cluster.get("/apis/apps/v1/namespaces/shop/deployments/web");
  return (found?.status as { availableReplicas?: number } | undefined)?.availableReplicas;
}

async function versions(world: World): Promise<readonly unknown[]> {
  const objects = await Promise.all(PATHS.map((path) => world.cluster.get(path)));
  assert.ok(objects.every((object) => object !== undefined), "every object must be in the cluster");
  return objects.flatMap((object) => object === undefined ? [] : [versionOf(object)]);
}

/** A controller writes a Deployment's status when it likes: of those, what others than controllers change. */
function versionOf({ kind, metadata }: KubernetesObject): unknown {
  const { uid, resourceVersion, generation, labels, managedFields } = metadata;
  const ours = managedFields?.filter(({ manager }) => manager === "brokkr-controller");
  return kind === "Deployment" ? { uid, generation, labels, ours } : { uid, resourceVersion };
}
