import assert from "node:assert/strict";
import { type ApiResource, isRefused, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { differingPaths } from "../../fakes/field_paths.ts";
import { compareObjects, ownFieldsDiffer } from "../../../agent/kube/compare/differences.ts";
import { type Folding, foldPatch, foldPlan, needsFold } from "../../../agent/kube/compare/folding.ts";
import {
  bring,
  type CompareCase,
  type CompareWorld,
  configMap,
  container,
  placeOf,
  resourceOf,
  rewrite,
  statefulSet,
  TYPES,
} from "./world.ts";

/** What people and former tools set becomes ours, and goes when the manifest does not have it. */
export const foldingCases: readonly CompareCase[] = [
  {
    name: "a dry run of what is there already differs in nothing, defaults and all",
    async run(world) {
      const place = placeOf(world, TYPES.statefulSets);
      const { object } = await world.kubernetes.apply(place, statefulSet({ containers: [container("a")] }));

      const again = statefulSet({ containers: [container("a")] });
      const { object: after } = await world.kubernetes.apply(place, again, { dryRun: true });

      assert.deepEqual(compareObjects(object, after), { fields: [], onlyMarks: false });
      assert.equal(ownFieldsDiffer(object, after), false);
    },
  },
  {
    name: "a container and a host network that a person patched in go, and so does what they brought along",
    async run(world) {
      const manifest = statefulSet({ containers: [container("a")] });
      const { object: before } = await bring(world, manifest, { isMade: true });
      const patched = [container("b"), container("a", { env: [{ name: "X", value: "y" }] })];
      await patchAs(world, "kubectl-patch", {
        spec: { template: { spec: { hostNetwork: true, containers: patched } } },
      });

      const { object, left } = await bring(world, manifest, { isMade: true });

      assert.deepEqual(object.spec, before.spec);
      assert.deepEqual(left, []);
      assert.equal(needsFold(object.metadata), false);
    },
  },
  {
    name: "an apply without the fold would leave what a person added",
    async run(world) {
      const manifest = statefulSet({ containers: [container("a")] });
      await bring(world, manifest, { isMade: true });
      await patchAs(world, "kubectl-edit", { spec: { template: { spec: { hostNetwork: true } } } });

      const { object } = await world.kubernetes.apply(placeOf(world, TYPES.statefulSets), manifest);

      assert.equal(podOf(object).hostNetwork, true);
    },
  },
  {
    name: "an annotation that keeps a live object stays when a person's others go",
    async run(world) {
      await bring(world, configMap({ a: "1" }), { isMade: true });
      const annotations = { "brokkr.io/prune": "disabled", "example.org/note": "mine" };
      await patchAs(world, "kubectl-annotate", { of: TYPES.configMaps, metadata: { annotations } });

      const { object } = await bring(world, configMap({ a: "1" }), { isMade: true });

      assert.deepEqual(object.metadata.annotations, { "brokkr.io/prune": "disabled" });
    },
  },
  {
    name: "what a controller set stays, and is no difference",
    async run(world) {
      await bring(world, configMap({ a: "1" }), { isMade: true });
      await patchAs(world, "some-controller", { of: TYPES.configMaps, data: { b: "2" } });

      const { object, left } = await bring(world, configMap({ a: "1" }), { isMade: true });

      assert.deepEqual(object.data, { a: "1", b: "2" });
      assert.deepEqual(left, []);
    },
  },
  {
    name: "a former manager's fields go when it is named",
    async run(world) {
      await bring(world, configMap({ a: "1" }), { isMade: true });
      await patchAs(world, "old-tool", { of: TYPES.configMaps, data: { b: "2" } });

      const { object } = await bring(world, configMap({ a: "1" }), { isMade: true, formerManagers: ["old-tool"] });

      assert.deepEqual(object.data, { a: "1" });
    },
  },
  {
    name: "of an object that was there before, a key dropped from the manifest goes, and a person's own stays",
    async run(world) {
      await createAs(world, "kubectl-client-side-apply", configMap({ key: "v", legacy: "unused", theirs: "x" }));
      await bring(world, configMap({ key: "v", legacy: "unused" }), { isMade: false });

      const { object, left } = await bring(world, configMap({ key: "v" }), { isMade: false });

      assert.deepEqual(object.data, { key: "v", theirs: "x" });
      assert.deepEqual(left, []);
    },
  },
  {
    name: "of an object that was there before, the last key dropped does not take a person's own with it",
    async run(world) {
      await createAs(world, "kubectl-client-side-apply", configMap({ legacy: "unused", theirs: "x" }));
      await bring(world, configMap({ legacy: "unused" }), { isMade: false });

      const { data: _, ...empty } = configMap({});
      const { object } = await bring(world, empty as KubernetesObject, { isMade: false });

      assert.deepEqual(object.data, { theirs: "x" });
    },
  },
  {
    name: "of an object that was there before, a container dropped from the manifest goes whole",
    async run(world) {
      const both = statefulSet({ containers: [container("a"), container("b")] });
      await createAs(world, "kubectl-client-side-apply", both);
      await bring(world, both, { isMade: false });

      const { object } = await bring(world, statefulSet({ containers: [container("a")] }), { isMade: false });

      assert.deepEqual(podOf(object).containers.map(({ name }) => name), ["a"]);
    },
  },
  {
    name: "of an object that was there before, another handler of a probe takes the first one's place",
    skipOn: { simulated: "it takes a probe with two handlers" },
    async run(world) {
      const probed = (probe: unknown) => statefulSet({ containers: [container("a", { livenessProbe: probe })] });
      await createAs(world, "kubectl-client-side-apply", probed({ httpGet: { port: 8080 } }));
      await bring(world, probed({ httpGet: { port: 8080 } }), { isMade: false });
      const next = probed({ exec: { command: ["true"] } });
      const dryRun = world.kubernetes.apply(placeOf(world, TYPES.statefulSets), next, { dryRun: true });
      await assert.rejects(dryRun, (error) => isRefused(error, 422));

      await foldUnseen(world, { manifest: next, isMade: false });
      const { object } = await bring(world, next, { isMade: false });

      const probe = podOf(object).containers[0]?.livenessProbe;
      assert.deepEqual(probe?.exec, { command: ["true"] });
      assert.equal(probe.httpGet, undefined);
    },
  },
  {
    name: "what a person put in the place of ours goes, though the dry run of ours beside it is refused",
    skipOn: { simulated: "it takes a variable with two values" },
    async run(world) {
      const place = placeOf(world, TYPES.statefulSets);
      const variable = (source: unknown) => statefulSet({ containers: [container("a", { env: [source] })] });
      const manifest = variable({ name: "X", value: "y" });
      const { object: before } = await bring(world, manifest, { isMade: true });
      const theirs = { name: "X", value: null, valueFrom: { configMapKeyRef: { name: "c", key: "k" } } };
      await patchAs(world, "kubectl-edit", { spec: variable(theirs).spec });
      const dryRun = world.kubernetes.apply(place, manifest, { dryRun: true });
      await assert.rejects(dryRun, (error) => isRefused(error, 422));

      await foldUnseen(world, { manifest, isMade: true });
      const { object } = await bring(world, manifest, { isMade: true });

      assert.deepEqual(object.spec, before.spec);
    },
  },
  {
    name: "a fold of an object that somebody wrote meanwhile is a conflict",
    async run(world) {
      const place = placeOf(world, TYPES.configMaps);
      await bring(world, configMap({ a: "1" }), { isMade: true });
      await patchAs(world, "kubectl-edit", { of: TYPES.configMaps, data: { b: "2" } });
      const live = await world.kubernetes.get(place);
      const plan = live && foldPlan({ live, isMade: true, formerManagers: [] });
      assert.ok(live && plan);
      await patchAs(world, "kubectl-edit", { of: TYPES.configMaps, data: { c: "3" } });

      const patch = world.kubernetes.patch(place, foldPatch(live, plan), { type: "json" });

      await assert.rejects(patch, (error) => isRefused(error, 409));
    },
  },
  {
    name: "an object that lost its managed fields is brought to its manifest all the same",
    async run(world) {
      const place = placeOf(world, TYPES.configMaps);
      await bring(world, configMap({ a: "1", b: "2" }), { isMade: true });
      await world.kubernetes.patch(place, { metadata: { managedFields: [{}] } });
      assert.equal((await world.kubernetes.get(place))?.metadata.managedFields, undefined);

      const { object } = await bring(world, configMap({ a: "1" }), { isMade: true });

      assert.deepEqual(object.data, { a: "1" });
      assert.deepEqual(object.metadata.managedFields?.map(({ manager }: ManagedFields) => manager), [
        "brokkr-controller",
      ]);
    },
  },
  {
    name: "differences name what a person changed and what a person removed",
    async run(world) {
      const place = placeOf(world, TYPES.statefulSets);
      const manifest = statefulSet({ containers: [container("a", { env: [{ name: "X", value: "y" }] })] });
      await bring(world, manifest, { isMade: true });
      const containers = [container("a", { image: "registry.example/app:2" })];
      await patchAs(world, "kubectl-edit", { spec: { template: { spec: { containers } } } });
      const live = await world.kubernetes.get(place);
      assert.ok(live);

      const { object: after } = await world.kubernetes.apply(place, manifest, { dryRun: true });

      assert.deepEqual(differingPaths(live, after).toSorted(), [
        'spec.template.spec.containers[name="a"].env',
        'spec.template.spec.containers[name="a"].image',
      ]);
      assert.equal(ownFieldsDiffer(live, after), true);
    },
  },
];

interface Pod {
  readonly hostNetwork?: boolean;
  readonly containers: readonly { readonly name: string; readonly livenessProbe?: Readonly<Record<string, unknown>> }[];
}

function podOf({ spec }: KubernetesObject): Pod & Readonly<Record<string, unknown>> {
  return (spec as { template: { spec: Pod & Record<string, unknown> } }).template.spec;
}

async function createAs(world: CompareWorld, manager: string, object: KubernetesObject): Promise<void> {
  const door = await world.as(manager);
  const metadata = { ...object.metadata, namespace: world.namespace };
  await door.create(resourceOf(object), { ...object, metadata });
}

async function patchAs(
  world: CompareWorld,
  manager: string,
  { of = TYPES.statefulSets, ...patch }: Readonly<Record<string, unknown>> & { readonly of?: ApiResource },
): Promise<void> {
  const door = await world.as(manager);
  await door.patch(placeOf(world, of), patch);
}

/** As an agent folds where the dry run of an apply is refused. */
async function foldUnseen(world: CompareWorld, folding: Pick<Folding, "manifest" | "isMade">): Promise<void> {
  await rewrite(world, placeOf(world, TYPES.statefulSets), (live) => {
    const plan = foldPlan({ live, ...folding, formerManagers: [] });
    return plan && foldPatch(live, plan);
  });
}
