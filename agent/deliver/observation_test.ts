import assert from "node:assert/strict";
import type { ApiResource, Kubernetes, ObjectPlace } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { Discovery } from "../kube/discovery.ts";
import type { Records } from "../kube/records/records.ts";
import { createObserved } from "../kube/watch/observed.ts";
import type { RecordedObject, StackRecord } from "../plan/record.ts";
import { Observation } from "./observation.ts";

const DEPLOYMENTS: ApiResource = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  resource: "deployments",
  namespaced: true,
  verbs: [],
};

function recorded(kind: string, name: string, rest: Partial<RecordedObject> = { uid: `uid-${name}` }): RecordedObject {
  const group = kind === "Deployment" ? "apps" : "";
  return { group, kind, version: "v1", namespace: "n", name, checksum: "c", ...rest };
}

/** An observation of a cluster in which every Deployment is as it should be, over one stack's record. */
function observing(objects: readonly RecordedObject[]) {
  const clock = new ManualClock();
  const counted: (Readonly<Record<string, number>> | undefined)[] = [];
  const looks: string[] = [];
  const nothing = { deploymentObjectId: undefined, deploymentChecksum: undefined, wanted: undefined };
  const record: StackRecord = { ...nothing, id: "s", name: "web", objects };
  const kubernetes = {
    get: ({ name }: ObjectPlace) => {
      looks.push(name);
      const status = { observedGeneration: 1, replicas: 0 };
      const metadata = { name, generation: 1 };
      return Promise.resolve({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas: 0 }, status });
    },
  } as Partial<Kubernetes> as Kubernetes;
  const observed = createObserved({
    kubernetes,
    doors: { of: () => kubernetes, ofHolder: () => undefined },
    discovery: {
      findAnyVersion: ({ kind }) => Promise.resolve(kind === "Deployment" ? DEPLOYMENTS : undefined),
    } as Partial<Discovery> as Discovery,
    records: { knownOf: () => record, kinds: () => [], namespacesOf: () => [] } as Partial<Records> as Records,
    formerManagers: [],
  });
  const observation = new Observation({
    ...{ agentId: "a", clock, random: () => 0.5, log: silentLog(), observed },
    ...{ isDriftOff: () => false, isInTurn: () => false, onDrift: () => {}, onHealth: () => {} },
    onCounted: (_, counts) => counted.push(counts),
  }, new AbortController().signal);
  return { clock, observation, counted, looks };
}

Deno.test("objects of kinds that are always healthy are counted as healthy, and cost no look", async () => {
  const { clock, observation, counted, looks } = observing([
    recorded("Deployment", "web"),
    recorded("ConfigMap", "one"),
    recorded("Secret", "two"),
    recorded("ConfigMap", "named only", {}),
  ]);

  await observation.applied("s", []);
  await clock.advance(1_000);

  assert.deepEqual(counted.at(-1), { healthy: 3, progressing: 0, degraded: 0, unknown: 0 });
  assert.deepEqual(looks, ["web"]);
});

Deno.test("an object of a kind that is not served any more is not counted", async () => {
  const { clock, observation, counted, looks } = observing([recorded("Gone", "a"), recorded("ConfigMap", "b")]);

  await observation.applied("s", []);
  await clock.advance(1_000);

  assert.deepEqual(counted.at(-1), { healthy: 1, progressing: 0, degraded: 0, unknown: 0 });
  assert.deepEqual(looks, []);
});
