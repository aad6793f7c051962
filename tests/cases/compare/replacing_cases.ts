import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import type { Failure } from "$lib/error.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { replace, tryReplace } from "../../../agent/kube/apply/replacing.ts";
import { type CompareCase, type CompareWorld, placeOf, TYPES } from "./world.ts";

const { signal } = new AbortController();

/** What can't be changed is made anew, and what is refused is not. */
export const replacingCases: readonly CompareCase[] = [
  {
    name: "a Job with another image is to be replaced, and is",
    async run(world) {
      const place = placeOf(world, TYPES.jobs);
      const { object: live } = await world.kubernetes.apply(place, job("registry.example/m:1"));
      const object = job("registry.example/m:2");
      const refusal = await refusalOf(world, object);

      assert.notEqual(await tryReplace(world.kubernetes, { place, object, live, refusal }, signal), undefined);
      const parts = { kubernetes: world.kubernetes, clock: systemClock() };
      const made = await replace(parts, { place, object, live }, signal);

      assert.equal(made.isCreated, true);
      assert.notEqual(made.object.metadata.uid, live.metadata.uid);
    },
  },
  {
    name: "a refusal of a field that can't be changed is one line with its path",
    async run(world) {
      await world.kubernetes.apply(placeOf(world, TYPES.jobs), job("registry.example/m:1"));

      const refusal = await refusalOf(world, job("registry.example/m:2"));

      const message = 'Job.batch "one" is invalid: spec.template: field is immutable';
      assert.deepEqual((refusal as Failure).details, { status: 422, reason: "Invalid", message });
    },
  },
  {
    name: "a Job that no API server would take is refused, and nothing is made of the try",
    async run(world) {
      const place = placeOf(world, TYPES.jobs);
      const { object: live } = await world.kubernetes.apply(place, job("registry.example/m:1"));
      const object = job(undefined);
      const refusal = await refusalOf(world, object);

      assert.equal(await tryReplace(world.kubernetes, { place, object, live, refusal }, signal), undefined);
      const { items } = await world.kubernetes.listMetadata(TYPES.jobs, { namespace: world.namespace });
      assert.deepEqual(items.map(({ metadata }) => metadata.name), ["one"]);
    },
  },
  {
    name: "an object of another uid is not deleted to be replaced",
    async run(world) {
      const place = placeOf(world, TYPES.jobs);
      const { object: live } = await world.kubernetes.apply(place, job("registry.example/m:1"));
      const stale = { ...live, metadata: { ...live.metadata, uid: "00000000-0000-4000-8000-000000000000" } };
      const parts = { kubernetes: world.kubernetes, clock: systemClock() };

      await assert.rejects(replace(parts, { place, object: job("registry.example/m:2"), live: stale }, signal));

      assert.equal((await world.kubernetes.get(place))?.metadata.uid, live.metadata.uid);
    },
  },
];

function job(image: string | undefined): KubernetesObject {
  const spec = { template: { spec: { restartPolicy: "Never", containers: [{ name: "m", image }] } } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name: "one" }, spec };
}

async function refusalOf(world: CompareWorld, object: KubernetesObject): Promise<unknown> {
  try {
    await world.kubernetes.apply(placeOf(world, TYPES.jobs), object, { dryRun: true });
  } catch (error) {
    return error;
  }
  throw new Error("the dry run was taken");
}
