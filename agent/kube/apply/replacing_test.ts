import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Kubernetes, KubernetesObject, NewObject, ObjectPlace } from "$lib/kubernetes.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { replace, tryReplace } from "./replacing.ts";

const { signal } = new AbortController();
const JOB: KubernetesObject = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "j", labels: { a: "b" } } };

const LIVE = { ...JOB, metadata: { ...JOB.metadata, uid: "old" } };

function placeOf(apiVersion: string, kind: string): ObjectPlace {
  const resource = { apiVersion, kind, resource: "things", namespaced: true, verbs: [] };
  return { resource, namespace: "default", name: "j" };
}

function refusal(status: number): Failure {
  return new Failure("kubernetes_rejected", "no", { details: { status } });
}

/** A door that answers what a test says, and fails at what it does not say. */
function doorWith(verbs: Partial<Kubernetes>): Kubernetes {
  return verbs as Kubernetes;
}

Deno.test("tryReplace() tries the same manifest as a new object under another name, and keeps nothing", async () => {
  const tried: [NewObject, unknown][] = [];
  const kubernetes = doorWith({
    create(_, object, options) {
      tried.push([object, options]);
      return Promise.resolve(JOB);
    },
  });
  const place = placeOf("batch/v1", "Job");

  const replacement = { place, object: JOB, live: LIVE, refusal: refusal(422) };
  assert.deepEqual(await tryReplace(kubernetes, replacement, signal), { sent: JOB, made: JOB });

  const metadata = { labels: { a: "b" }, namespace: "default", generateName: "j-" };
  assert.deepEqual(tried, [[{ ...JOB, metadata }, { dryRun: true, signal }]]);
});

for (const status of [403, 409, 422]) {
  Deno.test(`tryReplace() leaves a refusal where the new object is refused with ${status}`, async () => {
    const kubernetes = doorWith({ create: () => Promise.reject(refusal(status)) });
    const place = placeOf("batch/v1", "Job");

    const tried = { place, object: JOB, live: LIVE, refusal: refusal(422) };
    assert.equal(await tryReplace(kubernetes, tried, signal), undefined);
  });
}

Deno.test("tryReplace() says that the API server does not answer", async () => {
  const kubernetes = doorWith({ create: () => Promise.reject(new Failure("kubernetes_unavailable", "away")) });
  const asked = tryReplace(
    kubernetes,
    { place: placeOf("batch/v1", "Job"), object: JOB, live: LIVE, refusal: refusal(422) },
    signal,
  );

  await assert.rejects(asked, { code: "kubernetes_unavailable" });
});

for (
  const { place, status } of [
    { place: placeOf("v1", "PersistentVolumeClaim"), status: 422 },
    { place: placeOf("v1", "Namespace"), status: 422 },
    { place: placeOf("apiextensions.k8s.io/v1", "CustomResourceDefinition"), status: 422 },
    { place: placeOf("batch/v1", "Job"), status: 403 },
  ]
) {
  Deno.test(`tryReplace() does not ask about a ${place.resource.kind} refused with ${status}`, async () => {
    const options = { place, object: JOB, live: LIVE, refusal: refusal(status) };

    assert.equal(await tryReplace(doorWith({}), options, signal), undefined);
  });
}

function replacingDoor(...sights: readonly (KubernetesObject | undefined)[]) {
  const asked: string[] = [];
  const left = [...sights];
  const kubernetes = doorWith({
    delete(_, { uid }) {
      asked.push(`delete ${uid}`);
      return Promise.resolve(left.length === 0 ? "gone" : "going");
    },
    get() {
      asked.push("get");
      return Promise.resolve(left.length > 1 ? left.shift() : left[0]);
    },
    apply(_, object) {
      asked.push("apply");
      return Promise.resolve({ object, isCreated: true });
    },
  });
  return { kubernetes, asked };
}

Deno.test("replace() makes the object anew when the old one is gone, or another one stands there", async () => {
  for (const last of [undefined, { ...JOB, metadata: { ...JOB.metadata, uid: "new" } }]) {
    const { kubernetes, asked } = replacingDoor(LIVE, last);
    const clock = new ManualClock({ skipsSleeps: true });

    await replace({ kubernetes, clock }, { place: placeOf("batch/v1", "Job"), object: JOB, live: LIVE }, signal);

    assert.deepEqual(asked, ["delete old", "get", "get", "apply"]);
  }
});

Deno.test("replace() gives up on an object that a finalizer keeps, and does not apply", async () => {
  const { kubernetes, asked } = replacingDoor(LIVE);
  const clock = new ManualClock({ skipsSleeps: true });
  const replaced = replace(
    { kubernetes, clock },
    { place: placeOf("batch/v1", "Job"), object: JOB, live: LIVE },
    signal,
  );

  await assert.rejects(replaced, { code: "kubernetes_rejected" });

  assert.equal(asked.includes("apply"), false);
});

Deno.test("replace() says that the object is not there where it went and another one has its place in the quota", async () => {
  const clock = new ManualClock({ skipsSleeps: true });
  const details = { status: 403, message: "exceeded quota: q" };
  const kubernetes = doorWith({
    delete: () => Promise.resolve("gone"),
    apply: () => Promise.reject(new Failure("kubernetes_rejected", "Cannot apply: exceeded quota", { details })),
  });
  const replacement = { place: placeOf("batch/v1", "Job"), object: JOB, live: LIVE };

  await assert.rejects(replace({ kubernetes, clock }, replacement, signal), {
    details: { status: 403, message: "it was deleted to be made anew, and is not there now: exceeded quota: q" },
  });
});
