import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, lookingAgain, type ReconcileWorld, type TestAgent } from "./world.ts";

/** What controllers make again of what was removed. */
export const reappearedCases: readonly ReconcileCase[] = [
  {
    name: "what reappears after a removal goes with our marks, and is named without them; so does nothing else",
    async run(world) {
      const { hand, namespace } = world;
      const metadata = { name: "theirs", namespace };
      await hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata });
      const makeAgain = (copies: readonly KubernetesObject[]) => async () => {
        await hand.create(CONFIG_MAP, copyOf(copies[0], {}));
        await hand.create(CONFIG_MAP, copyOf(copies[1], { annotations: undefined, labels: undefined }));
      };
      const { one, stack, copies } = await applied(world);

      using looking = await one.restarted({ clock: lookingAgain(makeAgain(copies)) });
      const removed = await looking.remove(stack);
      const left = await namesIn(world);

      assert.equal(removed.result, "applied", removed.message);
      assert.match(removed.message, /^ConfigMap "a" .*reappeared with our marks, and is deleted again$/m);
      assert.match(removed.message, /^ConfigMap "b" .*reappeared without our marks, and is left alone$/m);
      assert.doesNotMatch(removed.message, /"(theirs|kept|c)" .*reappeared/);
      assert.deepEqual(left, ["b", "kept", "theirs"]);
      assert.equal(looking.objectsOf(stack), undefined);
    },
  },
  {
    name: "a removal after which nobody can look again says what went, and the next one looks",
    async run(world) {
      const away = new Failure("kubernetes_unavailable", "the API server is away");
      const { one, stack } = await applied(world);
      using looking = await one.restarted({ clock: lookingAgain(() => Promise.reject(away)) });

      const first = await looking.remove(stack);
      const removed = await one.remove(stack);

      assert.deepEqual([first.result, first.reason], ["failed", "prune_failed"], first.message);
      assert.match(first.message, /Cannot look once more for what was removed: the API server is away/);
      assert.ok(first.results.some(({ action }) => action === "deleted"), first.message);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
  {
    name: "a process that ends before it looked again leaves the look to the next one",
    async run(world) {
      const { hand } = world;
      const { one, stack, copies } = await applied(world);
      using dying = await one.restarted({ clock: lookingAgain(() => Promise.reject(new Error("killed"))) });
      await assert.rejects(dying.remove(stack), { message: "killed" });
      await hand.create(CONFIG_MAP, copyOf(copies[0], {}));

      using next = await one.restarted();
      const between = (await next.reconciler.inventory.listStacks()).map(({ id }) => id);
      const removed = await next.remove(stack);

      assert.deepEqual(between, [stack]);
      assert.equal(removed.result, "applied", removed.message);
      assert.match(removed.message, /^ConfigMap "a" .*reappeared with our marks/m);
      assert.deepEqual(await namesIn(world), ["kept"]);
      assert.deepEqual(await next.reconciler.inventory.listStacks(), []);
    },
  },
  {
    name: "what reappears with our marks and a controller of its own is not deleted, but loses them",
    async run(world) {
      const { hand, namespace } = world;
      const { one, stack, copies } = await applied(world);
      const metadata = { name: "owner", namespace };
      const { metadata: { uid = "" } } = await hand.create(CONFIG_MAP, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata,
      });
      const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid, controller: true }];

      using looking = await one.restarted({
        clock: lookingAgain(async () => void await hand.create(CONFIG_MAP, copyOf(copies[0], { ownerReferences }))),
      });
      const removed = await looking.remove(stack);
      const live = await hand.get(CONFIG_MAP, "a", namespace);

      assert.match(removed.message, /^ConfigMap "a" .*reappeared with our marks, which are taken away$/m);
      assert.deepEqual([live?.metadata.labels, live?.metadata.annotations], [undefined, undefined]);
    },
  },
];

/** A stack of three ConfigMaps, one that is to be kept and one that was there before, if it was. */
async function applied({ agent, newStack, hand, namespace }: ReconcileWorld): Promise<{
  readonly one: TestAgent;
  readonly stack: string;
  readonly copies: readonly KubernetesObject[];
}> {
  const [one, stack] = [await agent(), newStack()];
  const kept = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept", annotations: KEEP } };
  const theirs = await hand.get(CONFIG_MAP, "theirs", namespace);
  const ours = ["a", "b", "c", ...(theirs === undefined ? [] : ["theirs"])];
  await one.reconcile(stack, bundleOf(`${JSON.stringify(kept)}\n`, ...ours.map((name) => configMapYaml(name, "1"))));
  const live = await Promise.all(["a", "b"].map((name) => hand.get(CONFIG_MAP, name, namespace)));
  return { one, stack, copies: live.flatMap((object) => object ?? []) };
}

const KEEP = { "brokkr.io/prune": "disabled" };

/** What a controller that copies makes of an object. */
function copyOf(object: KubernetesObject | undefined, meta: Partial<KubernetesObject["metadata"]>): KubernetesObject {
  assert.ok(object !== undefined);
  const { name, namespace, labels, annotations } = object.metadata;
  return { ...object, metadata: { name, namespace, labels, annotations, ...meta } };
}

/** The ConfigMaps of the case, Kubernetes' own aside. */
async function namesIn({ hand, namespace }: ReconcileWorld): Promise<readonly string[]> {
  const names = ["a", "b", "c", "kept", "theirs"];
  const live = await Promise.all(names.map((name) => hand.get(CONFIG_MAP, name, namespace)));
  return live.flatMap((object) => object?.metadata.name ?? []);
}
