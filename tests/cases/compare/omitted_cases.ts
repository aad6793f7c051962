import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { compareObjects } from "../../../agent/kube/compare/differences.ts";
import { foldPatch } from "../../../agent/kube/compare/folding.ts";
import { releasedFields, withoutPaths } from "../../../agent/kube/compare/omitted.ts";
import {
  type CompareCase,
  type CompareWorld,
  configMap,
  container,
  placeOf,
  rewrite,
  statefulSet,
  TYPES,
} from "./world.ts";

/** What is left out of an apply keeps its value. */
export const omittedCases: readonly CompareCase[] = [
  {
    name: "fields given up keep their values when they are left out from then on",
    async run(world) {
      const pointers = [
        "/spec/replicas",
        "/spec/template/spec/containers/0/image",
        "/spec/updateStrategy/rollingUpdate",
      ];
      const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 2 } };
      const manifest = statefulSet({ containers: [container("a")] }, { replicas: 3, updateStrategy });
      const place = placeOf(world, TYPES.statefulSets);
      const { object: before } = await world.kubernetes.apply(place, manifest);

      await release(world, manifest, pointers);
      const { object } = await world.kubernetes.apply(place, withoutPaths(manifest, pointers));

      assert.deepEqual(object.spec, before.spec);
    },
  },
  {
    name: "a field left out that was not given up is taken out",
    async run(world) {
      const place = placeOf(world, TYPES.configMaps);
      await world.kubernetes.apply(place, configMap({ a: "1", b: "2" }));

      const { object } = await world.kubernetes.apply(place, withoutPaths(configMap({ a: "1", b: "2" }), ["/data/b"]));

      assert.deepEqual(object.data, { a: "1" });
    },
  },
  {
    name: "what another manager makes of a field given up is no difference",
    async run(world) {
      const manifest = statefulSet({ containers: [container("a")] }, { replicas: 3 });
      const place = placeOf(world, TYPES.statefulSets);
      await world.kubernetes.apply(place, manifest);
      await release(world, manifest, ["/spec/replicas"]);
      const scaler = await world.as("some-scaler");
      const live = await scaler.patch(place, { spec: { replicas: 7 } });
      assert.ok(live);

      const left = withoutPaths(manifest, ["/spec/replicas"]);
      const { object: after } = await world.kubernetes.apply(place, left, { dryRun: true });

      assert.deepEqual(compareObjects(live, after).fields, []);
      assert.equal((after.spec as { replicas: number }).replicas, 7);
    },
  },
];

async function release(
  world: CompareWorld,
  manifest: KubernetesObject,
  pointers: readonly string[],
): Promise<void> {
  await rewrite(world, placeOf(world, TYPES.statefulSets), (live) => {
    const fields = releasedFields(live, pointers, manifest);
    return fields && foldPatch(live, fields);
  });
}
