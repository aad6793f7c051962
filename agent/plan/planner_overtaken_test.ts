import assert from "node:assert/strict";
import type { SnapshotStack } from "$lib/wire/snapshot.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { EPOCH, going, OTHER, planning, snapshot, wanting } from "../../tests/fakes/planning.ts";

/** Snapshots that each come before the plan of the one before is made; `entries` says what each holds. */
async function racing(entries: readonly (readonly SnapshotStack[])[]) {
  const { planner, state, wanted } = planning();
  const clock = new ManualClock();
  let release = () => {};
  for (const [index, stacks] of entries.entries()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    planner.accept(snapshot(2 + index, { stacks: [...stacks] }));
    release();
    state.reading = promise;
    release = resolve;
    await clock.settle();
  }
  release();
  await planner.idle();
  return { wanted, state };
}

Deno.test("snapshots that come faster than plans do not stop the work of stacks that they leave alone", async () => {
  const entries = Array.from({ length: 25 }, (_, index) => [wanting("a"), wanting("b", `b${index}`)]);

  const { wanted } = await racing(entries);

  const partial = wanted.filter(({ isPartial }) => isPartial);
  assert.ok(partial.length >= 20, `${partial.length} of 25 plans were used`);
  assert.deepEqual(new Set(partial.map(({ works }) => works.join())), new Set(["apply a"]));
  assert.deepEqual(wanted.at(-1), { works: ["apply a", "apply b"], again: false });
});

Deno.test("a snapshot puts only those stacks off that it changes", async () => {
  const { state } = await racing([[wanting("a"), wanting("b")], [wanting("a"), wanting("b", "b2")], [
    wanting("b", "b2"),
  ]]);

  const superseded = state.happened.filter((what) => what.startsWith("superseded"));
  assert.deepEqual(superseded, ["superseded all", "superseded b", "superseded a"]);
});

Deno.test("nothing of a plan is used that was overtaken by a snapshot of another broker, or by a pause", async () => {
  for (const next of [snapshot(9, { epoch: OTHER, present: ["a"] }), snapshot(9, { paused: true, present: ["a"] })]) {
    const { planner, wanted } = planning();
    planner.accept(snapshot(2, { present: ["a"] }));

    planner.accept(next);
    await planner.idle();

    assert.deepEqual(wanted.filter(({ isPartial }) => isPartial), []);
  }
});

Deno.test("repeat() is not forgotten when its plan fails", async () => {
  const { planner, state, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();
  state.isDown = true;
  planner.repeat();
  await planner.idle();

  state.isDown = false;
  planner.reconsider();
  await planner.idle();

  assert.deepEqual(wanted.map(({ again }) => again), [false, true]);
});

Deno.test("one repeat() in twelve compares all", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();

  for (let times = 0; times < 24; times += 1) {
    planner.repeat();
    await planner.idle();
  }

  const comparing = wanted.flatMap(({ compareAll }, index) => compareAll === true ? [index] : []);
  assert.deepEqual(comparing, [12, 24]);
});

Deno.test("a stack to which nothing was submitted leaves without a word", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { stacks: [{ ...wanting("a"), deployment_object: null }] }));
  await planner.idle();

  planner.accept(snapshot(3));
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [[], []]);
});

Deno.test("a removal is said once, though the snapshot still names the stack, and again at the next resync", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { stacks: [going("a")] }));
  await planner.idle();
  planner.removed("a");
  planner.accept(snapshot(3, { stacks: [going("a"), wanting("b")] }));
  await planner.idle();
  planner.repeat();
  await planner.idle();
  planner.removed("a");

  planner.accept(snapshot(4, { stacks: [wanting("b")] }));
  await planner.idle();
  planner.repeat();
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [
    ["remove a"],
    ["apply b"],
    ["remove a", "apply b"],
    ["apply b"],
    ["apply b"],
  ]);
});

Deno.test("by a kept snapshot what is wanted is applied, and nothing is removed or remembered of the broker", async () => {
  const { planner, state, wanted } = planning({ stacks: ["gone"] });

  planner.accept(snapshot(7, { stacks: [wanting("a"), going("b")] }), { isKept: true });
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [["apply a"]]);
  assert.deepEqual(state.root.known, { epoch: EPOCH, revision: 1 });
});

Deno.test("a removal is not said again when its stack leaves a snapshot that came before the broker had heard of it", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { stacks: [going("a")] }));
  await planner.idle();
  planner.removed("a");
  planner.accept(snapshot(3, { stacks: [going("a"), wanting("b")] }));
  await planner.idle();

  planner.accept(snapshot(4, { stacks: [wanting("b")] }));
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [["remove a"], ["apply b"], ["apply b"]]);
});

Deno.test("stacks of which objects were held are tried again at once when that is approved, and once", async () => {
  const held = [{ id: "a", objects: 20, keys: "#0", revision: 1, isApproved: false }];
  const { planner, state } = planning({ stacks: ["a"], root: { held } });
  for (const revision of [2, 3]) {
    planner.accept(snapshot(revision, { present: ["a"], prune_approved: 1 }));
    await planner.idle();
  }

  assert.deepEqual(state.happened.filter((what) => what.startsWith("woken")), ["woken a"]);
});
