import assert from "node:assert/strict";
import type { ApiResource, KubernetesObject, ObjectPlace } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { groupKindOf, objectKey } from "../kube/names.ts";
import { type AppliedStack, HealthWatch } from "./health_watch.ts";
import type { AppliedObject, AppliedTurn, HealthNews } from "./watched_stack.ts";

const THINGS: ApiResource = {
  apiVersion: "x.io/v1",
  kind: "Thing",
  resource: "things",
  namespaced: true,
  verbs: [],
};

function applied(name: string, { uid = `uid-${name}`, ...rest }: Partial<AppliedObject> = {}): AppliedObject {
  const place = { resource: THINGS, namespace: "n", name };
  const groupKind = groupKindOf(THINGS);
  return { key: objectKey(groupKind, place), groupKind, place, uid, ...rest };
}

/** What a turn left of a stack; it wrote what the objects say, unless another thing is said. */
function stackOf(objects: readonly AppliedObject[], rest: Partial<AppliedTurn> = {}): AppliedStack {
  return { objects, alwaysHealthy: 0, hasWritten: objects.some(({ isWritten }) => isWritten === true), ...rest };
}

/**
 * A watch over things that are as `statuses` says: the reason of their `Ready` condition, empty for one that is ready.
 */
function watching({ isWatched = true, slow = "" } = {}) {
  const clock = new ManualClock();
  const statuses = new Map<string, string>();
  const looks: string[] = [];
  const news: { readonly stackId: string; readonly words: string; readonly news: HealthNews }[] = [];
  const counted: (readonly number[] | undefined)[] = [];
  const ending = new AbortController();
  const get = async ({ resource: { apiVersion, kind }, name }: ObjectPlace): Promise<KubernetesObject> => {
    looks.push(`${clock.monotonic()} ${kind} ${name}`);
    if (name === slow) await clock.sleep(3_000);
    const reason = statuses.get(name) ?? "";
    const status = { conditions: [{ type: "Ready", status: reason === "" ? "True" : "False", reason }] };
    return { apiVersion, kind, metadata: { name }, status };
  };
  const watch = new HealthWatch({
    clock,
    random: () => 0.5,
    log: silentLog(),
    doorOf: () => ({ get, list: () => Promise.resolve([]) }),
    discovery: { forget: () => {} },
    isWatched: () => isWatched,
    onCounted: (_, counts) => counted.push(counts && Object.values(counts)),
    onHealth: (stackId, reported) => {
      const { health, reason } = reported;
      news.push({
        stackId,
        words: `${clock.monotonic()} ${health}${reason === undefined ? "" : ` ${reason}`}`,
        news: reported,
      });
    },
  }, ending.signal);
  return { clock, statuses, looks, news, counted, watch, ending, words: () => news.map(({ words }) => words) };
}

Deno.test("a stack is as healthy as its worst object, which is named, with the time it was seen", async () => {
  const { clock, statuses, watch, news, words } = watching();
  statuses.set("b", "Waiting");

  watch.noteApplied("s", stackOf([applied("a"), applied("b")], { alwaysHealthy: 1 }));
  await clock.advance(1_000);

  assert.deepEqual(words(), ['1000 progressing Thing "b": Waiting']);
  const [reported] = news;
  assert.equal(reported?.news.atMs, Date.UTC(2026, 0, 1));
  const objects = [...reported?.news.objects.values() ?? []].map(({ place, verdict }) => [place.name, verdict?.health]);
  assert.deepEqual(objects, [["a", "healthy"], ["b", "progressing"]]);
});

Deno.test("a stack of kinds that are always healthy costs no look, and is said to be healthy once a write", async () => {
  const { clock, watch, looks, words } = watching();

  watch.noteApplied("s", stackOf([], { alwaysHealthy: 1 }));
  await clock.advance(1_000);
  watch.noteApplied("s", stackOf([], { alwaysHealthy: 1 }));
  await clock.advance(60_000);
  watch.noteApplied("s", stackOf([], { alwaysHealthy: 1, hasWritten: true }));
  await clock.advance(60_000);

  assert.deepEqual([looks, words()], [[], ["1000 healthy", "62000 healthy"]]);
});

Deno.test("objects are counted by how well they are: unknown until they are looked at, and none of a stack that is gone", async () => {
  const { clock, statuses, watch, counted } = watching();
  statuses.set("b", "Waiting");
  const last = () => counted.at(-1);

  watch.noteApplied("s", stackOf([applied("a"), applied("b")], { alwaysHealthy: 1 }));
  const seen = [last()];
  await clock.advance(1_000);
  seen.push(last());
  watch.noteApplied("s", stackOf([applied("a", { isWritten: true }), applied("b")]));
  seen.push(last());
  await clock.advance(6_000);
  seen.push(last());
  watch.noteRemoved("s");
  seen.push(last());

  assert.deepEqual(seen, [[1, 0, 0, 2], [2, 1, 0, 0], [0, 1, 0, 1], [1, 1, 0, 0], undefined]);
});

Deno.test("nothing is said before every object was seen once", async () => {
  const { clock, statuses, watch, words } = watching({ slow: "t3" });
  statuses.set("t4", "Waiting");

  watch.noteApplied("s", stackOf(Array.from({ length: 5 }, (_, index) => applied(`t${index}`))));
  await clock.advance(10_000);

  assert.deepEqual(words(), ['4000 progressing Thing "t4": Waiting']);
});

Deno.test("what is not healthy is looked at again after 5 s, then each 30 s, and said again each minute", async () => {
  const { clock, statuses, watch, looks, words } = watching();
  statuses.set("a", "Waiting");
  watch.noteApplied("s", stackOf([applied("a")]));

  await clock.advance(125_000);
  statuses.set("a", "");
  await clock.advance(120_000);

  assert.deepEqual(looks, [0, 5_000, 35_000, 65_000, 95_000, 125_000, 155_000].map((ms) => `${ms} Thing a`));
  const progressing = [1_000, 61_000, 121_000].map((ms) => `${ms} progressing Thing "a": Waiting`);
  assert.deepEqual(words(), [...progressing, "156000 healthy"]);
});

Deno.test("what is healthy is looked at when it changes, and not before", async () => {
  const { clock, statuses, watch, looks, words } = watching();
  const object = applied("a");
  watch.noteApplied("s", stackOf([object]));
  await clock.advance(600_000);
  statuses.set("a", "Broken");

  watch.noteApplied("s", stackOf([object]));
  await clock.advance(10_000);
  watch.changed("s", object.key);
  watch.changed("s", applied("unknown").key);
  watch.changed("other", object.key);
  await clock.advance(1_000);

  assert.deepEqual(looks, ["0 Thing a", "610000 Thing a"]);
  assert.deepEqual(words(), ["1000 healthy", '611000 progressing Thing "a": Broken']);
});

Deno.test("what a turn wrote is looked at, and its health said, though it may be the same", async () => {
  const { clock, watch, looks, words } = watching();
  watch.noteApplied("s", stackOf([applied("a")]));
  await clock.advance(20_000);

  watch.noteApplied("s", stackOf([applied("a", { isWritten: true })]));
  await clock.advance(1_000);

  assert.deepEqual(looks, ["0 Thing a", "20000 Thing a"]);
  assert.deepEqual(words(), ["1000 healthy", "21000 healthy"]);
});

Deno.test("a turn that wrote has its health said within a second, also where what it wrote is of a kind that is always healthy", async () => {
  const { clock, watch, words } = watching();
  watch.noteApplied("s", stackOf([applied("a")]));
  await clock.advance(2_000);

  watch.noteApplied("s", stackOf([applied("a")], { hasWritten: true }));
  await clock.advance(1_000);
  watch.noteApplied("s", stackOf([applied("a")], { hasWritten: false }));
  await clock.advance(60_000);

  assert.deepEqual(words(), ["1000 healthy", "3000 healthy"]);
});

Deno.test("what a turn wrote a moment after the last look is not said to be as it was before", async () => {
  const { clock, statuses, watch, words } = watching();
  const object = applied("a");
  watch.noteApplied("s", stackOf([object]));
  await clock.advance(20_000);
  watch.changed("s", object.key);
  await clock.advance(2_000);
  statuses.set("a", "Rolling");

  watch.noteApplied("s", stackOf([{ ...object, isWritten: true }]));
  await clock.advance(10_000);

  assert.deepEqual(words(), ["1000 healthy", '26000 progressing Thing "a": Rolling']);
});

Deno.test("objects of a kind that nobody watches are looked at after each turn", async () => {
  const { clock, watch, looks } = watching({ isWatched: false });
  watch.noteApplied("s", stackOf([applied("a")]));
  await clock.advance(300_000);

  watch.noteApplied("s", stackOf([applied("a")]));
  await clock.advance(1_000);

  assert.deepEqual(looks, ["0 Thing a", "300000 Thing a"]);
});

Deno.test("another object of the same name is looked at anew, and one that left counts no more", async () => {
  const { clock, statuses, watch, looks, words } = watching();
  statuses.set("b", "Waiting");
  watch.noteApplied("s", stackOf([applied("a"), applied("b")]));
  await clock.advance(1_000);

  watch.noteApplied("s", stackOf([applied("a", { uid: "another" })]));
  await clock.advance(120_000);

  assert.deepEqual(looks, ["0 Thing a", "0 Thing b", "1000 Thing a"]);
  assert.deepEqual(words(), ['1000 progressing Thing "b": Waiting', "2000 healthy"]);
});

Deno.test("a stack is healthy when the one object that was not has left it", async () => {
  const { clock, statuses, watch, words } = watching();
  statuses.set("b", "Waiting");
  watch.noteApplied("s", stackOf([applied("a"), applied("b")]));
  await clock.advance(1_000);

  watch.noteApplied("s", stackOf([applied("a")]));
  await clock.advance(1_000);

  assert.deepEqual(words(), ['1000 progressing Thing "b": Waiting', "2000 healthy"]);
});

Deno.test("changes of objects that leave the stack as well as before are said every 10 s at most", async () => {
  const { clock, statuses, watch, words } = watching();
  const objects = [applied("a"), applied("b")];
  for (const name of ["a", "b"]) statuses.set(name, "0");
  watch.noteApplied("s", stackOf(objects));
  for (let round = 1; round <= 4; round += 1) {
    await clock.advance(5_000);
    statuses.set("b", String(round));
    for (const { key } of objects) watch.changed("s", key);
  }
  await clock.advance(1_000);

  const times = words().map((line) => Number(line.split(" ")[0]));
  assert.deepEqual(times, [1_000, 11_000, 21_000]);
});

Deno.test("noteRemoved() and the end of all leave nothing that is waited for", async () => {
  const { clock, statuses, watch, ending, words } = watching();
  for (const name of ["a", "b"]) statuses.set(name, "Waiting");
  watch.noteApplied("gone", stackOf([applied("a")]));
  watch.noteApplied("ended", stackOf([applied("b")]));
  await clock.advance(1_000);

  watch.noteRemoved("gone");
  ending.abort();
  await watch.ended();
  watch.noteApplied("late", stackOf([applied("c")]));
  await clock.advance(600_000);

  assert.deepEqual([clock.pending, words().length], [0, 2]);
});
