import assert from "node:assert/strict";
import { z } from "zod";
import { bundle, configMap, deployment } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const CORE = "/api/v1/namespaces/default";
const APPS = "/apis/apps/v1/namespaces/default";
const DISK = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: disk, namespace: default }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`;
/** What people lose when it is deleted and made anew: a disk, and pods at work. */
const WHOLE = bundle(DISK, deployment("web", { replicas: 1 }), configMap("page"));
const PATHS = [`${CORE}/persistentvolumeclaims/disk`, `${APPS}/deployments/web`, `${CORE}/configmaps/page`];
const STACK = "k8s.brokkr.io/stack";

story("22: an object that moves from stack to stack, in one change, keeps its uid", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const [left, right] = [await world.addStack("left"), await world.addStack("right")];
  await world.untilApplied(await world.submit(left, WHOLE));
  await world.untilApplied(await world.submit(right, configMap("right")));
  const before = await uids(world);
  assert.ok(before.every((uid) => uid !== undefined));

  await world.agent.stop();
  const getting = await world.submit(right, bundle(DISK, deployment("web", { replicas: 1 }), configMap("right")));
  const losing = await world.submit(left, configMap("page"));
  await world.startAgent();
  for (const object of [losing, getting]) await world.untilApplied(object);

  assert.deepEqual(await uids(world), before);
  assert.deepEqual(await owners(world), [right, right, left]);
  await removed(world, left);
  assert.deepEqual((await uids(world)).slice(0, 2), before.slice(0, 2));
  assert.equal((await uids(world))[2], undefined);
});

story("22: an object that moves from stack to stack, in two changes, keeps its uid", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const [left, right] = [await world.addStack("left"), await world.addStack("right")];
  await world.untilApplied(await world.submit(left, WHOLE));
  const before = await uids(world);

  const getting = await world.submit(right, bundle(DISK, configMap("right")));
  await eventually("who gets it waits for who has it", async () => {
    return (await world.events(getting.id)).some(({ message }) => /"disk".* stack "left" has it/s.test(message ?? ""));
  });
  assert.deepEqual(await owners(world), [left, left, left]);
  await world.untilApplied(await world.submit(left, bundle(deployment("web", { replicas: 1 }), configMap("page"))));
  await world.untilApplied(getting);

  assert.deepEqual(await uids(world), before);
  assert.deepEqual(await owners(world), [right, left, left]);
});

story("22: everything of a stack that is renamed or split keeps its uid", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const old = await world.addStack("old");
  await world.untilApplied(await world.submit(old, WHOLE));
  const before = await uids(world);

  await world.generator.send(z.unknown(), "PUT", `/stacks/${old}`, { name: "other" });
  await world.untilApplied(await world.submit(old, bundle(WHOLE, configMap("more"))));
  assert.deepEqual([await uids(world), await owners(world)], [before, [old, old, old]]);

  const renamed = await world.addStack("renamed");
  const taken = await world.submit(renamed, WHOLE);
  await removed(world, old);
  await world.untilApplied(taken);
  assert.deepEqual([await uids(world), await owners(world)], [before, [renamed, renamed, renamed]]);

  const parted = [await world.addStack("disk"), await world.addStack("web")] as const;
  const objects = [
    await world.submit(parted[0], DISK),
    await world.submit(parted[1], deployment("web", { replicas: 1 })),
  ];
  await world.untilApplied(await world.submit(renamed, configMap("page")));
  for (const object of objects) await world.untilApplied(object);
  assert.deepEqual([await uids(world), await owners(world)], [before, [...parted, renamed]]);
});

/** Of the objects, and of what the Deployment made of itself once it did. */
async function uids({ cluster }: World): Promise<readonly unknown[]> {
  const objects = await Promise.all(PATHS.map((path) => cluster.get(path)));
  const made = await eventually("the Deployment has made something of itself", async () => {
    const sets = await cluster.list(`${APPS}/replicasets`);
    return sets.length > 0 && sets.map(({ metadata }) => metadata.uid);
  });
  return [...objects.map((object) => object?.metadata.uid), made];
}

/** The stacks whose the objects are, as their marks say. */
async function owners({ cluster }: World): Promise<readonly (string | undefined)[]> {
  const objects = await Promise.all(PATHS.map((path) => cluster.get(path)));
  return objects.map((object) => object?.metadata.annotations?.[STACK]);
}

/** Deletes a stack, and waits until nothing of it is recorded any more. */
async function removed({ generator, cluster }: World, stackId: string): Promise<void> {
  assert.equal((await generator.call("DELETE", `/stacks/${stackId}`)).status, 204);
  await eventually("the stack is gone", async () => {
    const records = await cluster.list(`${CORE}/configmaps`);
    return !records.some(({ metadata }) => metadata.name.startsWith(`brokkr-stack-${stackId}`));
  });
}
