import assert from "node:assert/strict";
import type { Log } from "$lib/log.ts";
import { EPOCH, known } from "../../tests/fakes/judged.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { snapshot } from "../../tests/fakes/planning.ts";
import type { RootRecord } from "./guard.ts";
import type { Removal } from "./guard_objects.ts";
import { PruneGuard } from "./prune_guard.ts";

/** A guard over a root in memory, and all that happened to it. */
function guarding(root: RootRecord = known(1)) {
  const happened: string[] = [];
  const state = { root, isDown: false };
  const silent = () => {};
  const log: Log = { debug: silent, info: silent, warn: silent, error: (message) => happened.push(message) };
  const guard = new PruneGuard({
    store: {
      readRoot: () => {
        happened.push("read");
        return Promise.resolve(state.root);
      },
      writeRoot: (record) => {
        if (state.isDown) return Promise.reject(new Error("down"));
        if (record !== state.root) happened.push("written");
        state.root = record;
        return Promise.resolve();
      },
    },
    limits: {},
    clock: new ManualClock(),
    log,
    onHeld: () => happened.push("held"),
  });
  const signal = new AbortController().signal;
  const judge = async (revision: number, rest: Parameters<typeof snapshot>[1] = { present: ["a", "b"] }) => {
    const inventory = Promise.resolve([{ id: "a", objects: 50 }, { id: "b", objects: 50 }]);
    const judging = { snapshot: snapshot(revision, rest), inventory, isStopped: () => false };
    const judgement = await guard.judge(judging, signal);
    await judgement?.recorded;
    return judgement;
  };
  return { guard, state, happened, signal, judge };
}

function removal(stackId: string, count: number): Removal {
  const keys = Array.from({ length: count }, (_, index) => `${stackId}${index}`);
  return { stackId, stackName: stackId, keys, wantedKeys: [], total: 50 };
}

Deno.test("ask() has the root say what is removed before it answers, and reads nothing for that", async () => {
  const { guard, state, happened, signal, judge } = guarding();
  await judge(2);
  happened.length = 0;

  const answer = await guard.ask(removal("a", 3), signal);

  assert.deepEqual(answer, { isAllowed: true });
  assert.deepEqual(happened, ["written"]);
  assert.equal(state.root.removals[0]?.objects, 3);
});

Deno.test("ask() holds at the revision that was judged last, and says so once", async () => {
  const { guard, state, happened, signal, judge } = guarding();
  await judge(2);
  happened.length = 0;
  await guard.ask(removal("a", 49), signal);
  await judge(3);

  const answer = await guard.ask(removal("a", 49), signal);

  assert.deepEqual(answer, { isAllowed: false, revision: 2 });
  assert.deepEqual(happened.filter((what) => what.includes("more objects") || what === "held").length, 2);
  assert.equal(state.root.held.length, 1);
});

Deno.test("ask() lets go what was held once its revision is approved, and forgets it when the stack is settled", async () => {
  const { guard, state, signal, judge } = guarding();
  await judge(2);
  await guard.ask(removal("a", 49), signal);
  await judge(3, { present: ["a", "b"], prune_approved: 2 });

  const answer = await guard.ask(removal("a", 49), signal);
  await guard.settled("a", signal);

  assert.deepEqual(answer, { isAllowed: true });
  assert.deepEqual(state.root.held, []);
});

Deno.test("a stack that leaves while objects of another are held is held with them, at its own revision", async () => {
  const { guard, state, signal, judge } = guarding();
  await judge(2);
  await guard.ask(removal("a", 49), signal);

  const judged = await judge(3, { present: ["a"] });

  assert.deepEqual([...judged?.verdict.waiting ?? []], ["b"]);
  assert.deepEqual(state.root.held.map(({ id, revision, isApproved }) => [id, revision, isApproved]), [
    ["a", 2, false],
    ["b", 3, false],
  ]);
});

Deno.test("a stack of which objects are held is still held when it leaves, though it alone might go", async () => {
  const { guard, signal, judge } = guarding();
  await judge(2);
  await guard.ask(removal("a", 49), signal);

  const judged = await judge(3, { present: ["b"] });

  assert.deepEqual([...judged?.verdict.waiting ?? []], ["a"]);
  assert.deepEqual(judged?.verdict.root.held, [{ id: "a", objects: 50, revision: 3, isApproved: false }]);
});

Deno.test("ask() rejects and remembers nothing when the root can't be written", async () => {
  const { guard, state, signal, judge } = guarding();
  await judge(2);
  state.isDown = true;
  await assert.rejects(guard.ask(removal("a", 3), signal), { message: "down" });
  state.isDown = false;

  await guard.ask(removal("b", 1), signal);

  assert.deepEqual(state.root.removals.map(({ stackId }) => stackId), ["b"]);
});

Deno.test("questions that come at once are answered one after the other, and all are counted", async () => {
  const { guard, state, signal, judge } = guarding();
  await judge(2);

  const answers = await Promise.all([
    guard.ask(removal("a", 24), signal),
    guard.ask(removal("b", 24), signal),
    guard.ask(removal("c", 24), signal),
  ]);

  assert.deepEqual(answers.map(({ isAllowed }) => isAllowed), [true, true, false]);
  assert.equal(state.root.held[0]?.id, "c");
});

Deno.test("ask() allows nothing before a snapshot was judged", async () => {
  const { guard, signal, happened } = guarding();

  const answer = await guard.ask(removal("a", 1), signal);

  assert.deepEqual([answer.isAllowed, happened], [false, []]);
});

Deno.test("judge() that is stopped writes nothing", async () => {
  const { guard, happened, signal } = guarding();
  const judging = { snapshot: snapshot(2, { epoch: EPOCH }), inventory: Promise.resolve([]), isStopped: () => true };

  const judged = await guard.judge(judging, signal);

  assert.deepEqual([judged, happened], [undefined, ["read"]]);
});
