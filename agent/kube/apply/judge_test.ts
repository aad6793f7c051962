import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import type { Applied, Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { emptyTurnRecord } from "../../../tests/fakes/turn_records.ts";
import { Fights } from "../compare/fights.ts";
import type { Desired } from "../desired.ts";
import { CONFIG_MAPS } from "../records/records.ts";
import { judge, type JudgeParts } from "./judge.ts";

const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", uid: "1" } };
const groupKind = { group: "", kind: "ConfigMap" };
const place = { resource: CONFIG_MAPS, namespace: "n", name: "a" };
const desired: Desired = {
  ...{ key: "a", groupKind, place, stage: 3, checksum: "c", legacyChecksum: undefined },
  ...{ policies: {}, object, source: "document 1", isOfNewType: false, isOfOtherServer: false },
};

/** Judges a listed ConfigMap at an API server that answers when it is told to. */
function judging() {
  const asked: string[] = [];
  const live = Promise.withResolvers<KubernetesObject | undefined>();
  const dryRun = Promise.withResolvers<Applied>();
  const kubernetes = {
    get: () => {
      asked.push("object");
      return live.promise;
    },
    apply: (_, __, { dryRun: isDryRun } = {}) => {
      asked.push(isDryRun ? "dry run" : "apply");
      return dryRun.promise;
    },
  } as Partial<Kubernetes> as Kubernetes;
  return { asked, live, dryRun, verdict: judge(partsOver(kubernetes), desired, new AbortController().signal) };
}

function partsOver(kubernetes: Kubernetes): JudgeParts {
  const byKey = new Map([["a", { key: "a", groupKind, place, meta: object.metadata }]]);
  return {
    ...{
      kubernetes,
      record: emptyTurnRecord(),
      members: { byKey, failures: [], away: new Set<string>() },
      fights: new Fights(new ManualClock()),
    },
    ...{ formerManagers: [], mayReplace: true, mayWrite: true, compareAll: false },
  } as Partial<JudgeParts> as JudgeParts;
}

Deno.test("judge() asks for an object while a dry run of it is under way", async () => {
  const { asked, live, dryRun, verdict } = judging();
  await setImmediate();
  const atOnce = [...asked];

  dryRun.resolve({ object, isCreated: false });
  live.resolve(object);

  assert.equal((await verdict).is, "unchanged");
  assert.deepEqual(atOnce, ["object", "dry run"]);
});

Deno.test("judge() lets a refusal stand where the object is gone by then, and makes it anew where there is none", async () => {
  const [refused, taken] = [judging(), judging()];

  refused.dryRun.reject(new Failure("kubernetes_rejected", "Cannot apply: no", { details: { status: 422 } }));
  taken.dryRun.resolve({ object, isCreated: true });
  for (const { live } of [refused, taken]) live.resolve(undefined);

  await assert.rejects(refused.verdict, /Cannot apply: no/);
  assert.equal((await taken.verdict).is, "write");
});

Deno.test("judge() looks again where the object was written between its reading and the dry run of it", async () => {
  const controllers = { "deployment.kubernetes.io/revision": "1" };
  const at = (resourceVersion: string, annotations: Record<string, string>): KubernetesObject => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion, annotations },
  });
  const once = judgingAnswers([at("1", {}), at("2", controllers)], at("2", controllers));
  const ever = judgingAnswers([at("1", {}), at("1", {}), at("1", {})], at("2", controllers));

  assert.equal((await once.verdict).is, "unchanged");
  assert.equal((await ever.verdict).is, "write");
  assert.deepEqual([once, ever].map(({ looks }) => looks()), [2, 3]);
});

Deno.test("judge() leaves what is as it was compared last where the webhooks that a comparison asks are away", async () => {
  const meta = { ...object.metadata, resourceVersion: "1" };
  const is = async (seen: typeof meta, message: string) => {
    const failure = new Failure("kubernetes_unavailable", "Cannot apply", { details: { status: 500, message } });
    const kubernetes = {
      get: () => Promise.resolve({ ...object, metadata: seen }),
      apply: () => Promise.reject(failure),
    } as Partial<Kubernetes> as Kubernetes;
    const parts = { ...partsOver(kubernetes), compareAll: true };
    parts.record.note(desired, meta);
    const byKey = new Map([["a", { key: "a", groupKind, place, meta: seen }]]);
    const members = { ...parts.members, byKey };
    return await judge({ ...parts, members }, desired, new AbortController().signal);
  };
  const inVain = 'failed calling webhook "x": dial tcp: connection refused';

  assert.equal((await is(meta, inVain)).is, "unchanged");
  await assert.rejects(is({ ...meta, resourceVersion: "2" }, inVain), /Cannot apply/);
  await assert.rejects(is(meta, "etcd is away"), /Cannot apply/);
});

/** Judges a listed ConfigMap that is read as these objects, one after the other, and of which a dry run makes this. */
function judgingAnswers(reads: readonly KubernetesObject[], after: KubernetesObject) {
  let looks = 0;
  const kubernetes = {
    get: () => Promise.resolve(reads[looks++]),
    apply: () => Promise.resolve({ object: after, isCreated: false }),
  } as Partial<Kubernetes> as Kubernetes;
  return { verdict: judge(partsOver(kubernetes), desired, new AbortController().signal), looks: () => looks };
}
