import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { newId } from "$lib/ids.ts";
import type { Kubernetes, KubernetesObject, ObjectPlace } from "$lib/kubernetes.ts";
import { silentLog } from "../../../tests/fakes/silent_log.ts";
import type { StackRecord } from "../../plan/record.ts";
import { createRecords } from "./records.ts";

const [AGENT, STACK] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
const PARENT = `brokkr-stack-${STACK}-11111111`;
/** More than one ConfigMap holds: each has an id of its own, which no compression makes shorter. */
const MANY = 20_000;

Deno.test("a record that one ConfigMap can't hold is read back whole by the next process", async () => {
  const { maps, open, patchedInVain } = configMaps();
  const record = recordOf(MANY);

  await open().write(record);

  assert.deepEqual([...maps.keys()].sort(), [PARENT, `${PARENT}-1`]);
  assert.deepEqual(patchedInVain, []);
  assert.deepEqual((await open().find(STACK))?.objects, record.objects);
});

Deno.test("a process killed between the pieces of a record leaves the one that was there before", async () => {
  const { open } = configMaps();
  const before = recordOf(MANY);
  await open().write(before);
  const dying = open({ writes: 1 });
  await dying.find(STACK);

  await assert.rejects(dying.write(recordOf(MANY)), /killed/);

  assert.deepEqual((await open().find(STACK))?.objects, before.objects);
});

Deno.test("pieces that no record names any more go with the next write, and with the stack", async () => {
  const { maps, open } = configMaps();
  const records = open();
  await records.write(recordOf(MANY));
  const dying = open({ writes: 1 });
  await dying.find(STACK);
  await assert.rejects(dying.write(recordOf(MANY)), /killed/);

  await records.write(recordOf(MANY));
  const names = Object.keys(maps.get(`${PARENT}-1`)?.binaryData as object);
  await records.write(recordOf(1));
  const left = [...maps.keys()];
  await records.write(recordOf(MANY));
  await records.remove(STACK);

  assert.equal(names.length, 1);
  assert.deepEqual(left, [PARENT]);
  assert.deepEqual([...maps.keys()], []);
});

Deno.test("a record of which a piece is gone says that it can't be read", async () => {
  const { maps, open } = configMaps();
  await open().write(recordOf(MANY));
  maps.delete(`${PARENT}-1`);

  const record = await open().find(STACK);

  assert.match(record?.unreadable ?? "", /is spoilt/);
  assert.deepEqual(record?.objects, []);
});

Deno.test("a record that is written while it is read anew stays what was written", async () => {
  const { maps, open, answers } = configMaps();
  const records = open();
  await records.write(recordOf(1));
  const parent = maps.get(PARENT);
  assert.ok(parent);
  maps.set(PARENT, { ...parent, metadata: { ...parent.metadata, resourceVersion: "by hand" } });
  const { promise, resolve } = Promise.withResolvers<void>();
  answers.late = promise;
  const refreshed = records.refresh(); // finds another version, and reads it

  await records.write(recordOf(2));
  resolve();
  await refreshed;

  assert.equal((await records.find(STACK))?.objects.length, 2);
});

function recordOf(count: number): StackRecord {
  const objects = Array.from({ length: count }, (_, index) => ({
    group: "",
    kind: "ConfigMap",
    version: "v1",
    namespace: "default",
    name: `map-${index}`,
    uid: newId(),
    checksum: newId().replaceAll("-", "").slice(0, 16),
  }));
  return { id: STACK, name: "big", deploymentObjectId: "o", deploymentChecksum: "c", wanted: undefined, objects };
}

/** ConfigMaps of one namespace behind a door; it may be killed after some writes. */
function configMaps() {
  const maps = new Map<string, KubernetesObject>();
  const answers: { late?: Promise<void>; readonly patchedInVain: string[] } = { patchedInVain: [] };
  const open = ({ writes: left = Infinity }: { readonly writes?: number } = {}) =>
    createRecords({ kubernetes: doorTo(maps, left, answers), log: silentLog(), agentId: AGENT, namespace: "brokkr" });
  return { maps, open, answers, patchedInVain: answers.patchedInVain };
}

function doorTo(
  maps: Map<string, KubernetesObject>,
  writes: number,
  answers: { readonly late?: Promise<void>; readonly patchedInVain: string[] },
): Kubernetes {
  let left = writes;
  const write = (name: string, object: KubernetesObject): Promise<KubernetesObject> => {
    if (left-- <= 0) return Promise.reject(new Failure("kubernetes_unavailable", "killed"));
    const metadata = { ...object.metadata, uid: object.metadata.uid ?? name, resourceVersion: newId() };
    maps.set(name, { ...object, metadata });
    return Promise.resolve({ ...object, metadata });
  };
  const door: Partial<Kubernetes> = {
    listMetadata: <T>() => Promise.resolve({ items: [...maps.values()] as T[], resourceVersion: "1" }),
    async get({ name }: ObjectPlace) {
      const live = maps.get(name);
      await answers.late;
      return live;
    },
    create: (_, object) => write(object.metadata.name ?? "", object as KubernetesObject),
    patch({ name }, body) {
      const live = maps.get(name);
      if (live !== undefined) return write(name, merged(live, body) as KubernetesObject);
      answers.patchedInVain.push(name);
      return Promise.resolve(undefined);
    },
    delete: ({ name }) => Promise.resolve(maps.delete(name) ? "gone" : "gone"),
  };
  return door as Kubernetes;
}

/** A merge patch, RFC 7396. */
function merged(value: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const fields = new Map(Object.entries((value ?? {}) as object));
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) fields.delete(name);
    else fields.set(name, merged(fields.get(name), change));
  }
  return Object.fromEntries(fields);
}
