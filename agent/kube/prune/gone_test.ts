import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { emptyTurnRecord } from "../../../tests/fakes/turn_records.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { createDiscovery } from "../discovery.ts";
import { objectKey } from "../names.ts";
import type { Member } from "../records/members.ts";
import { CONFIG_MAPS } from "../records/records.ts";
import type { AbsentParts } from "./absent.ts";
import { waitUntilGone } from "./gone.ts";
import { lookAgain } from "./reappeared.ts";

const CONFIG_MAP = { group: "", kind: "ConfigMap" };
const NAMES = Array.from({ length: 2_000 }, (_, index) => `item-${index}`);

/** A door to a cluster that has nothing, which counts how many objects are asked for at once. */
function emptyCluster() {
  let [asked, underWay, most] = [0, 0, 0];
  const kubernetes: Partial<Kubernetes> = {
    discover: () => Promise.resolve([{ ...CONFIG_MAPS, verbs: ["get", "list", "delete"] }]),
    discoverGroups: () => Promise.resolve([{ name: "", apiVersions: ["v1"] }]),
    listMetadata: <T>() => Promise.resolve({ items: [] as T[], resourceVersion: "1" }),
    async get(): Promise<KubernetesObject | undefined> {
      asked += 1;
      underWay += 1;
      most = Math.max(most, underWay);
      await setImmediate();
      underWay -= 1;
      return undefined;
    },
  };
  const door = kubernetes as Kubernetes;
  const parts = {
    kubernetes: door,
    discovery: createDiscovery(door),
    clock: new ManualClock({ skipsSleeps: true }),
    set: { id: "set", stackId: "s", agentId: "a" },
    record: emptyTurnRecord(),
  };
  return { parts, counts: () => ({ asked, most }) };
}

Deno.test("waitUntilGone() asks for some hundred objects at once, however many went", async () => {
  const { parts, counts } = emptyCluster();
  const going = NAMES.map((name): Member => {
    const place = { resource: CONFIG_MAPS, namespace: "n", name };
    return { key: objectKey(CONFIG_MAP, place), groupKind: CONFIG_MAP, place, meta: { name, uid: `uid-${name}` } };
  });

  const left = await waitUntilGone(parts, going, new AbortController().signal);

  assert.deepEqual(left, []);
  assert.deepEqual(counts(), { asked: 2_000, most: 256 });
});

Deno.test("lookAgain() asks for some hundred objects at once, however many were taken out", async () => {
  const { parts, counts } = emptyCluster();
  const taken = NAMES.map((name) => {
    const object: RecordedObject = { ...CONFIG_MAP, version: "v1", namespace: "n", name, uid: name, checksum: "c" };
    return [objectKey(object, object), object] as const;
  });

  const done = await lookAgain(parts as unknown as AbsentParts, taken, new AbortController().signal);

  assert.deepEqual(done.lines, []);
  assert.deepEqual(counts(), { asked: 2_000, most: 256 });
});
