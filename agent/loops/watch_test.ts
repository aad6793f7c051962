import assert from "node:assert/strict";
import type { ApiResource, ObjectMeta } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { WatchedKind } from "../../tests/fakes/watched_kinds.ts";
import type { Compared } from "../kube/watch/drift.ts";
import { marksOf } from "../kube/records/marks.ts";
import { groupKindOf, groupKindText, objectKey, OWNER_ID } from "../kube/names.ts";
import { DRIFT_DEBOUNCE_MS, Watches } from "./watch.ts";

const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};
const DEPLOYMENTS: ApiResource = { ...CONFIG_MAPS, apiVersion: "apps/v1", kind: "Deployment", resource: "deployments" };

function meta(name: string, generation: number, rest: Partial<ObjectMeta> = {}): ObjectMeta {
  const annotations = { [OWNER_ID]: "agent" };
  return {
    name,
    namespace: "n",
    uid: `uid-${name}`,
    resourceVersion: `${generation}`,
    generation,
    annotations,
    ...rest,
  };
}

/** Watches of one kind, of which `a` and `b` are there and recorded as of generation 1, for the stack `s`. */
async function watching({ resource = DEPLOYMENTS, off = new Set<string>() } = {}) {
  const clock = new ManualClock();
  const kind = new WatchedKind(resource);
  const groupKind = groupKindOf(resource);
  const records = new Map<string, Compared>();
  const keyOf = (name: string) => objectKey(groupKind, { namespace: "n", name });
  const record = (seen: ObjectMeta) =>
    records.set(keyOf(seen.name), { stackId: "s", uid: seen.uid, generation: seen.generation, marks: marksOf(seen) });
  const there = [meta("a", 1), meta("b", 1)];
  there.forEach(record);
  kind.answers.set("", there);
  const [drifts, changes] = [[] as string[], [] as string[]];
  const nameOf = (key: string) => JSON.parse(key)[3];
  const busy = new Set<string>();
  const ending = new AbortController();
  const watches = new Watches({
    clock,
    random: () => 0.5,
    kubernetes: kind.kubernetes,
    discovery: {
      findAnyVersion: (asked) => Promise.resolve({ ...resource, kind: asked.kind }),
      forget: () => {},
    },
    log: silentLog(),
    namespacesOf: () => ["n"],
    agentId: "agent",
    compared: (key) => records.get(key),
    isDriftOff: (stackId) => off.has(stackId),
    isInTurn: (stackId) => busy.has(stackId),
    onDrift: (stackId, keys) => drifts.push(`${clock.monotonic()} ${stackId} ${keys.map(nameOf)}`),
    onChange: (stackId, key) => changes.push(`${stackId} ${nameOf(key)}`),
  }, ending.signal);
  watches.setKinds([groupKind]);
  await clock.advance(DRIFT_DEBOUNCE_MS);
  changes.length = 0;
  async function send(type: "added" | "modified" | "deleted", seen: ObjectMeta): Promise<void> {
    kind.only.send(type, seen);
    await clock.settle();
  }
  async function stop(): Promise<void> {
    ending.abort();
    await watches.ended();
  }
  return { clock, kind, watches, records, record, keyOf, busy, drifts, changes, send, stop, groupKind };
}

Deno.test("what is as its record says when the watch opens is no drift", async () => {
  const { drifts, watches, groupKind, stop } = await watching();

  assert.deepEqual([drifts, watches.isWatched(groupKind)], [[], true]);
  await stop();
  assert.equal(watches.isWatched(groupKind), false);
});

Deno.test("what was changed while nobody watched is drift when the watch opens", async () => {
  const { clock, kind, drifts, stop } = await watching();
  await clock.advance(60_000);
  kind.answers.set("", [meta("a", 2)]);

  kind.only.end();
  await clock.advance(1_000 + DRIFT_DEBOUNCE_MS);

  assert.deepEqual(drifts, ["63000 s a,b"]);
  await stop();
});

Deno.test("changes of a stack within a second are one drift, a second after the first", async () => {
  const { clock, drifts, send, stop } = await watching();

  await send("modified", meta("a", 2));
  await clock.advance(600);
  await send("modified", meta("a", 3));
  await send("deleted", meta("b", 1));
  await clock.advance(60_000);

  assert.deepEqual(drifts, ["2000 s a,b"]);
  await stop();
});

Deno.test("a label, an annotation or an owner that changes is drift; a status is a change for its health alone", async () => {
  const { clock, drifts, changes, send, stop } = await watching();
  await send("modified", meta("a", 1, { resourceVersion: "9" }));
  await clock.advance(10_000);

  assert.deepEqual([drifts, changes], [[], ["s a"]]);
  await send("modified", meta("a", 1, { resourceVersion: "10", labels: { x: "y" } }));
  await clock.advance(DRIFT_DEBOUNCE_MS);

  assert.deepEqual(drifts, ["12000 s a"]);
  await stop();
});

Deno.test("drift that is left as it is, is not told again with each status", async () => {
  const { clock, drifts, send, stop } = await watching();
  await send("modified", meta("a", 2));
  await clock.advance(10_000);

  await send("modified", meta("a", 2, { resourceVersion: "3" }));
  await clock.advance(10_000);

  assert.deepEqual(drifts, ["2000 s a"]);
  await stop();
});

Deno.test("what goes while another stack takes it over is drift of that one", async () => {
  const { clock, drifts, records, keyOf, busy, send, stop } = await watching();
  busy.add("t");

  await send("deleted", meta("b", 1));
  records.set(keyOf("b"), { stackId: "t", uid: "uid-b", generation: 1 });
  await clock.advance(5_000);
  assert.deepEqual(drifts, []);
  busy.delete("t");
  await clock.advance(5_000);

  assert.deepEqual(drifts, ["7000 t b"]);
  await stop();
});

Deno.test("whether a stack is looked at is said by the stack that has the object when the moment is over", async () => {
  for (const [off, expected] of [["s", ["3000 t b"]], ["t", []]] as const) {
    const { clock, drifts, records, keyOf, send, stop } = await watching({ off: new Set([off]) });

    await send("deleted", meta("b", 1));
    records.set(keyOf("b"), { stackId: "t", uid: "uid-b", generation: 1 });
    await clock.advance(5_000);

    assert.deepEqual(drifts, expected, `drift of ${off} is off`);
    await stop();
  }
});

Deno.test("drift that is turned on or off within a moment is as it is when that is over", async () => {
  for (const [before, after, expected] of [["s", "", ["2000 s a"]], ["", "s", []]] as const) {
    const off = new Set([before]);
    const { clock, drifts, send, stop } = await watching({ off });

    await send("modified", meta("a", 2));
    off.clear();
    off.add(after);
    await clock.advance(5_000);

    assert.deepEqual(drifts, expected);
    await stop();
  }
});

Deno.test("what goes before its record says which object it was is drift when the turn is over", async () => {
  const { clock, drifts, records, record, keyOf, busy, send, stop } = await watching();
  busy.add("s");
  records.set(keyOf("a"), { stackId: "s", uid: undefined, generation: undefined });

  await send("deleted", meta("a", 1));
  record(meta("a", 1));
  busy.delete("s");
  await clock.advance(5_000);

  assert.deepEqual(drifts, ["2000 s a"]);
  await stop();
});

Deno.test("the end of all leaves no drift that is waited for", async () => {
  const { clock, drifts, send, stop } = await watching();
  await send("modified", meta("a", 2));

  await stop();
  await clock.advance(60_000);

  assert.deepEqual([drifts, clock.pending], [[], 0]);
});

Deno.test("our own write is no drift, though its event comes before its answer", async () => {
  const { clock, drifts, send, record, stop } = await watching();

  await send("modified", meta("a", 2));
  await clock.advance(DRIFT_DEBOUNCE_MS / 2);
  record(meta("a", 2));
  await clock.advance(60_000);

  assert.deepEqual(drifts, []);
  await stop();
});

Deno.test("of what changes twice within a moment the last state counts, where that is our own write and no other", async () => {
  const writers = [{ manager: "brokkr-controller", operation: "Apply", apiVersion: "v1", time: "now", fieldsV1: {} }];
  for (const managedFields of [undefined, writers]) {
    const { clock, drifts, records, keyOf, send, stop } = await watching({ resource: CONFIG_MAPS });
    const written = (name: string, resourceVersion: string) => {
      return meta(name, 1, { generation: undefined, resourceVersion, managedFields });
    };

    await send("modified", written("a", "2"));
    records.set(keyOf("a"), { stackId: "s", uid: "uid-a", resourceVersion: "3" });
    await send("modified", written("a", "3"));
    await send("modified", written("b", "2"));
    await clock.advance(5_000);

    assert.deepEqual(drifts, ["2000 s b"]);
    await stop();
  }
});

Deno.test("what changes during a turn of the stack is looked at when that is over", async () => {
  const { clock, drifts, records, busy, keyOf, send, stop } = await watching();
  busy.add("s");

  await send("deleted", meta("a", 1));
  await send("modified", meta("b", 2));
  await clock.advance(10_000);
  records.delete(keyOf("a"));
  assert.deepEqual(drifts, []);
  busy.clear();
  await clock.advance(DRIFT_DEBOUNCE_MS);

  assert.deepEqual(drifts, ["12000 s b"]);
  await stop();
});

Deno.test("what was deleted and made again by a turn is no drift", async () => {
  const { clock, drifts, record, send, stop } = await watching();

  await send("deleted", meta("a", 1));
  await send("added", meta("a", 1, { uid: "another" }));
  record(meta("a", 1, { uid: "another" }));
  await clock.advance(60_000);

  assert.deepEqual(drifts, []);
  await stop();
});

Deno.test("an object that no record names, or that is another agent's, is passed over", async () => {
  const { clock, drifts, changes, send, stop } = await watching();

  await send("added", meta("orphan", 1));
  await send("modified", meta("a", 2, { annotations: { [OWNER_ID]: "another" } }));
  await send("deleted", meta("orphan", 1));
  await clock.advance(60_000);

  assert.deepEqual([drifts, changes], [[], []]);
  await stop();
});

Deno.test("a stack whose drift is off is looked at for its health alone", async () => {
  const { clock, drifts, changes, send, stop } = await watching({ off: new Set(["s"]) });

  await send("modified", meta("a", 2));
  await send("deleted", meta("b", 1));
  await clock.advance(60_000);

  assert.deepEqual([drifts, changes], [[], ["s a", "s b"]]);
  await stop();
});

Deno.test("a kind that is always healthy is not looked at for its health", async () => {
  const { clock, drifts, changes, send, stop } = await watching({ resource: CONFIG_MAPS });

  await send("modified", meta("a", 2));
  await clock.advance(60_000);

  assert.deepEqual([drifts, changes], [["2000 s a"], []]);
  await stop();
});

Deno.test("kinds are watched as they come, and no more when they go", async () => {
  const { clock, kind, watches, groupKind, stop } = await watching();
  const other = { group: "apps", kind: "StatefulSet" };
  const watched = () => [groupKind, other].filter((one) => watches.isWatched(one)).map(groupKindText);

  watches.setKinds([groupKind, other]);
  await clock.settle();
  const both = [watched(), kind.open.size, kind.lists.length];
  watches.setKinds([other]);
  await clock.settle();

  assert.deepEqual(both, [["Deployment.apps", "StatefulSet.apps"], 2, 2]);
  assert.deepEqual([watched(), kind.open.size, kind.lists.length], [["StatefulSet.apps"], 1, 2]);
  await stop();
  assert.deepEqual([kind.open.size, clock.pending], [0, 0]);
});
