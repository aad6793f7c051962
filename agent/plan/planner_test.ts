import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { EPOCH, going, OTHER, planning, snapshot, wanting } from "../../tests/fakes/planning.ts";

Deno.test("accept() wants what the snapshot and the inventory ask for, which is written after the root", async () => {
  const { planner, state, wanted } = planning({ stacks: ["gone"] });

  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();

  assert.deepEqual(wanted, [{ works: ["apply a", "remove gone"], again: false }]);
  const order = state.happened.filter((what) => what !== "wanted");
  assert.deepEqual(order, ["superseded all", "root read", "root written", "may write"]);
  assert.deepEqual(state.root.known, { epoch: EPOCH, revision: 2 });
});

Deno.test("what is wanted may begin while the root is being written, and writes when it is", async () => {
  const { planner, state, wanted } = planning();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.writing = promise;
  planner.accept(snapshot(2, { present: ["a"] }));
  await setImmediate();
  const early = [wanted.map(({ works }) => works), state.happened.includes("may write")];

  resolve();
  await planner.idle();
  await setImmediate();

  assert.deepEqual(early, [[["apply a"]], false]);
  assert.equal(state.happened.at(-1), "may write");
});

Deno.test("what is wanted writes nothing when the root can't be written, is planned again, and a resync is still owed", async () => {
  const { planner, state, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();
  state.writing = Promise.reject(new Error("down"));
  planner.repeat();
  await planner.idle();
  const [isRefused, blocked] = [state.happened.includes("may not write"), state.blocked];

  state.writing = Promise.resolve();
  planner.reconsider();
  await planner.idle();
  await setImmediate();

  assert.deepEqual([isRefused, blocked], [true, undefined]);
  assert.deepEqual(wanted.map(({ again }) => again), [false, true, true]);
  assert.deepEqual(state.happened.filter((what) => what.startsWith("may")).slice(-2), ["may not write", "may write"]);
});

Deno.test("inventory and root are read side by side", async () => {
  const { planner, state } = planning();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.listing = promise;

  planner.accept(snapshot(2, { present: ["a"] }));
  await setImmediate();
  const early = [...state.happened];
  resolve();
  await planner.idle();

  assert.deepEqual(early, ["superseded all", "root read"]);
});

Deno.test("what stacks are newly to be brought to is read ahead: of the plan before, small, and not too many", async () => {
  const { planner, state } = planning();
  planner.accept(snapshot(2, { present: ["a", "b"] }));
  await planner.idle();
  const first = [...state.ahead];
  const large = { id: "huge", sequence_id: 3, checksum: "", size_bytes: 1_000_000, submitted_at: "" };
  const many = Array.from({ length: 20 }, (_, index) => wanting(`s${index}`));

  planner.accept(snapshot(3, { stacks: [wanting("a", "a2"), { ...wanting("b"), deployment_object: large }] }));
  await planner.idle();
  const second = state.ahead.splice(0);
  planner.accept(snapshot(4, { stacks: many }));
  await planner.idle();
  const third = state.ahead.splice(0);
  planner.accept(snapshot(1, { epoch: OTHER, present: ["z"] }));
  await planner.idle();

  assert.deepEqual([first, second, third.length, state.ahead], [[], ["a2"], 8, []]);
});

Deno.test("accept() of a paused snapshot wants nothing and writes no root", async () => {
  const { planner, state, wanted } = planning({ stacks: ["gone"] });

  planner.accept(snapshot(2, { present: ["a"], paused: true }));
  await planner.idle();

  assert.deepEqual(wanted, [{ works: [], again: false }]);
  assert.deepEqual(state.happened, ["superseded all", "wanted"]);
});

Deno.test("accept() of a paused snapshot does not wait for a run in progress, which writes no root any more", async () => {
  const { planner, state, wanted } = planning();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.reading = promise;
  planner.accept(snapshot(2, { present: ["a"] }));

  planner.accept(snapshot(3, { present: ["a"], paused: true }));
  const atOnce = [...wanted];
  resolve();
  await planner.idle();

  assert.deepEqual(atOnce, [{ works: [], again: false }]);
  assert.deepEqual(wanted, atOnce);
  assert.equal(state.happened.includes("root written"), false);
});

Deno.test("a planner that stands by wants nothing, and plans when it does no more", async () => {
  const { planner, state, wanted } = planning();
  state.isStandby = true;
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();

  state.isStandby = false;
  planner.reconsider();
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [[], ["apply a"]]);
});

Deno.test("reconsider() leaves a plan alone that stands", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();

  planner.reconsider();
  await planner.idle();

  assert.equal(wanted.length, 1);
});

Deno.test("reconsider() plans again what failed because the API server was away", async () => {
  const { planner, state, wanted } = planning();
  state.isDown = true;
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();
  assert.deepEqual(wanted, []);

  state.isDown = false;
  planner.reconsider();
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [["apply a"]]);
});

Deno.test("reconsider() finds a person's acceptance while on hold", async () => {
  const { planner, state, wanted } = planning({ stacks: ["gone", "a"] });
  planner.accept(snapshot(1, { epoch: OTHER, present: ["a"] }));
  await planner.idle();
  state.root = { ...state.root, acceptEpoch: OTHER };

  planner.reconsider();
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [["apply a", "wait gone"], ["apply a", "remove gone"]]);
  assert.deepEqual(state.root.known, { epoch: OTHER, revision: 1 });
});

Deno.test("repeat() plans the last snapshot and repeats what is settled", async () => {
  const { planner, wanted } = planning();
  planner.repeat();
  await planner.idle();
  assert.deepEqual(wanted, []);
  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();

  planner.repeat();
  await planner.idle();

  assert.deepEqual(wanted.at(-1), { works: ["apply a"], again: true });
});

Deno.test("repeat() is not forgotten when a snapshot comes before its turn", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a"] }));

  planner.repeat();
  planner.accept(snapshot(3, { present: ["a"] }));
  await planner.idle();

  assert.deepEqual(wanted.at(-1), { works: ["apply a"], again: true });
});

Deno.test("a snapshot that came while an older one was planned is the one whose works are wanted", async () => {
  const { planner, wanted } = planning();

  planner.accept(snapshot(2, { present: ["a"] }));
  planner.accept(snapshot(3, { present: ["b"] }));
  await planner.idle();

  assert.deepEqual(wanted, [{ works: ["apply b", "remove a"], again: false }]);
});

for (
  const [what, next] of [["another epoch", snapshot(9, { epoch: OTHER })], ["a lower revision", snapshot(4)]] as const
) {
  Deno.test(`${what} makes the agent report everything anew, without asking the cluster less`, async () => {
    const { planner, state, wanted } = planning();
    planner.accept(snapshot(5));
    await planner.idle();
    assert.equal(state.forgotten, 0);

    planner.accept(next);
    await planner.idle();

    assert.equal(state.forgotten, 1);
    assert.equal(wanted.at(-1)?.again, true);
  });
}

Deno.test("a hold, and its end, are each said once", async () => {
  const { planner, state } = planning();
  for (const accepted of [undefined, undefined, OTHER]) {
    state.root = { ...state.root, acceptEpoch: accepted };
    planner.accept(snapshot(9, { epoch: OTHER }));
    await planner.idle();
  }

  assert.equal(state.errors.length, 2, state.errors.join("; "));
});

Deno.test("a held set is said once", async () => {
  const { planner, state } = planning({ stacks: ["a", "b"] });
  for (const revision of [2, 3]) {
    planner.accept(snapshot(revision));
    await planner.idle();
  }

  assert.equal(state.errors.length, 1, state.errors.join("; "));
});

Deno.test("a planner that has ended wants nothing more", async () => {
  const { planner, wanted, stop } = planning();
  stop.abort();

  planner.accept(snapshot(2, { present: ["a"] }));
  await planner.idle();

  assert.deepEqual(wanted, []);
});

Deno.test("a stack that left the snapshot is removed although no inventory names it, until it is removed or back", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a", "b", "c"] }));
  await planner.idle();

  planner.accept(snapshot(3, { present: ["a"] }));
  await planner.idle();
  planner.removed("b");
  planner.accept(snapshot(4, { present: ["a", "c"] }));
  await planner.idle();

  assert.deepEqual(wanted.slice(1).map(({ works }) => works), [["apply a", "remove b", "remove c"], [
    "apply a",
    "apply c",
  ]]);
});

Deno.test("a stack whose end the broker has not heard of is removed although nobody was told of it and no inventory names it", async () => {
  const { planner, wanted } = planning({ stacks: ["b"] });

  planner.accept(snapshot(2, { present: ["c"], ended_stacks: ["a", "b", "c"] }));
  await planner.idle();

  assert.deepEqual(wanted.at(-1)?.works, ["apply c", "remove b", "remove a"]);
});

Deno.test("what is said to be removed is not removed again by the next snapshot, but at the next resync while the broker waits", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { ended_stacks: ["a"] }));
  await planner.idle();
  planner.removed("a");

  planner.accept(snapshot(3, { present: ["b"], ended_stacks: ["a"] }));
  await planner.idle();
  planner.repeat();
  await planner.idle();
  planner.removed("a");
  planner.accept(snapshot(4, { present: ["b"] }));
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [
    ["remove a"],
    ["apply b"],
    ["apply b", "remove a"],
    ["apply b"],
  ]);
});

Deno.test("a stack whose end the broker has not heard of waits for the epoch, and from a kept snapshot nothing is said of it", async () => {
  const { planner, wanted } = planning();
  planner.accept(snapshot(2, { ended_stacks: ["a"] }), { isKept: true });
  await planner.idle();
  planner.accept(snapshot(9, { epoch: OTHER, ended_stacks: ["a"] }));
  await planner.idle();

  assert.deepEqual(wanted.map(({ works }) => works), [[], ["wait a"]]);
});

Deno.test("what is applied for the first time while its stack leaves is counted by the guard", async () => {
  const { planner, state, wanted } = planning();
  planner.accept(snapshot(2, { present: ["a", "b"] }));
  await planner.idle();
  state.ending = (stackIds) => {
    state.stacks = [...stackIds];
    return Promise.resolve();
  };

  planner.accept(snapshot(3));
  await planner.idle();

  assert.deepEqual(wanted.at(-1)?.works, ["wait a", "wait b"]);
});

Deno.test("how many removals the guard stops is known after a plan, until they are let go", async () => {
  const { planner, state } = planning({ stacks: ["a", "b"] });
  assert.equal(state.blocked, undefined);
  planner.accept(snapshot(2));
  await planner.idle();
  assert.equal(state.blocked, 2);

  planner.accept(snapshot(3, { prune_approved: 2 }));
  await planner.idle();

  assert.equal(state.blocked, 0);
});

Deno.test("an epoch hold stops the removal of terminating stacks, too", async () => {
  const { planner, state } = planning({ stacks: ["gone", "going"] });

  planner.accept(snapshot(9, { epoch: OTHER, stacks: [going("going")] }));
  await planner.idle();

  assert.equal(state.blocked, 2);
});

Deno.test("how many removals the guard stops is not known while paused, nor after a plan that failed", async () => {
  const { planner, state } = planning({ stacks: ["a", "b"] });
  const seen: (number | undefined)[] = [];
  for (
    const [next, isDown] of [[snapshot(2), false], [snapshot(3, { paused: true }), false], [snapshot(4), false], [
      snapshot(5),
      true,
    ]] as const
  ) {
    state.isDown = isDown;
    planner.accept(next);
    await planner.idle();
    seen.push(state.blocked);
  }

  assert.deepEqual(seen, [2, undefined, 2, undefined]);
});
