import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { AGAIN, apply, nameOf, queues, remove } from "../../tests/fakes/stack_queues.ts";
import { StackQueues, type TurnEnd } from "./queues.ts";

Deno.test("want() runs different stacks side by side", () => {
  const { all, names } = queues();

  all.want([apply("a", "1"), remove("b")]);

  assert.deepEqual(names(), ["a 1", "b remove"]);
});

Deno.test("want() runs one stack's turns one after the other, and of several works only the newest", async () => {
  const { all, turns, names, ended } = queues();
  all.want([apply("a", "1")]);
  all.want([apply("a", "2")]);
  all.want([apply("a", "3")]);
  assert.deepEqual(names(), ["a 1"]);

  await turns[0]?.end(true);

  assert.deepEqual(names(), ["a 1", "a 3"]);
  assert.deepEqual(ended, [["a 1", "done", undefined]]);
});

Deno.test("a turn's end is heard with the seconds that it took", async () => {
  const { all, clock, turns, lasted } = queues();
  all.want([apply("a", "1")]);
  await clock.advance(1_500);

  await turns[0]?.end(true);

  assert.deepEqual(lasted, [1.5]);
});

Deno.test("want() does not repeat settled work, but for `again`", async () => {
  const { all, turns, names } = queues();
  all.want([apply("a", "1")]);
  await turns[0]?.end(true);

  all.want([apply("a", "1")]);
  assert.equal(names().length, 1);
  all.want([apply("a", "1")], AGAIN);

  assert.equal(names().length, 2);
});

Deno.test("a failed turn is repeated for ever, after 5 s doubling to 5 min", async () => {
  const { all, clock, turns, ended } = queues();
  const startMs = clock.now();
  all.want([apply("a", "1")]);
  const pausesMs: number[] = [];
  for (let turn = 0; turn < 9; turn += 1) {
    await turns.at(-1)?.end(false);
    const endedMs = clock.now();
    while (turns.length === turn + 1) await clock.advance(1_000);
    pausesMs.push(clock.now() - endedMs);
  }

  assert.deepEqual(pausesMs.map((ms) => ms / 1_000), [5, 10, 20, 40, 80, 160, 300, 300, 300]);
  assert.deepEqual(ended[1], ["a 1", "failed", { attempts: 2, atMs: startMs + 15_000 }]);
});

Deno.test("a failed turn is not repeated before the API server said that it may be, nor sooner than its own back-off", async () => {
  const { all, clock, turns, ended } = queues();
  const startMs = clock.now();
  all.want([apply("a", "1")]);

  await turns[0]?.end(false, 30_000);
  await clock.advance(31_000);
  await turns[1]?.end(false, 2_000);
  await clock.advance(10_000);
  all.wake(["a"]);
  await turns[2]?.end(false, 30_000);

  const times = ended.map(([, , retry]) => (retry?.atMs ?? 0) - startMs);
  assert.deepEqual(times, [31_000, 41_000, 72_000]);
});

Deno.test("a turn that rejects is repeated like a failed one", async () => {
  const { all, clock, turns, ended } = queues();
  all.want([apply("a", "1")]);

  await turns[0]?.fail(new Error("a bug"));
  await clock.advance(5_000);

  assert.equal(turns.length, 2);
  assert.equal(ended[0]?.[1], "Error: a bug");
});

Deno.test("want() does not hasten a stack in back-off, not even for `again`", async () => {
  const { all, turns } = queues();
  all.want([apply("a", "1")]);
  await turns[0]?.end(false);

  all.want([apply("a", "1")], AGAIN);

  assert.equal(turns.length, 1);
});

Deno.test("the retry of a turn does what else was asked for during it", async () => {
  const { all, clock, turns } = queues();
  all.want([apply("a", "1")]);

  all.want([apply("a", "1")], { again: { compareAll: true } });
  await turns[0]?.end(false);
  await clock.advance(5_000);

  assert.deepEqual(turns.map(({ context: { compareAll, isResync } }) => [compareAll, isResync]), [
    [false, false],
    [true, false],
  ]);
});

Deno.test("want() starts other work at once although the stack is in back-off, and counts from the start", async () => {
  const { all, clock, turns, names, ended } = queues();
  all.want([apply("a", "1")]);
  await turns[0]?.end(false);

  all.want([apply("a", "2")]);
  await turns[1]?.end(false);
  await clock.advance(5_000);

  assert.deepEqual(names(), ["a 1", "a 2", "a 2"]);
  assert.equal(ended[1]?.[2]?.attempts, 1);
});

Deno.test("a retry that was waiting is forgotten when other work takes its place", async () => {
  const { all, clock, turns, names } = queues();
  all.want([apply("a", "1")]);
  await turns[0]?.end(false);
  all.want([apply("a", "2")]);
  await turns[1]?.end(true);

  await clock.advance(600_000);

  assert.deepEqual(names(), ["a 1", "a 2"]);
});

Deno.test("attempts are counted anew after a turn that settled its work", async () => {
  const { all, clock, turns, ended } = queues();
  all.want([apply("a", "1")]);
  await turns[0]?.end(false);
  await clock.advance(5_000);
  await turns[1]?.end(true);

  all.want([apply("a", "1")], AGAIN);
  await turns[2]?.end(false);

  assert.deepEqual(ended.map(([, , retry]) => retry?.attempts), [1, undefined, 1]);
});

Deno.test("supersede() lets no retry begin until the work is wanted again, which does not hasten it", async () => {
  const { all, turns, clock, names } = queues();
  all.want([remove("a")]);
  await turns[0]?.end(false);

  all.supersede();
  await clock.advance(5_000);
  const superseded = names().length;
  all.want([remove("a")]);
  await turns[1]?.end(false);
  all.supersede();
  all.want([remove("a")]);

  assert.equal(superseded, 1);
  assert.deepEqual(names(), ["a remove", "a remove"]);
});

Deno.test("endApplies() ends applies of these stacks and waits for them, and leaves removals alone", async () => {
  const { all, turns, clock } = queues();
  all.want([apply("a", "1"), remove("b"), apply("c", "1")]);
  let isOver = false;

  const ending = all.endApplies(["a", "b", "unknown"]).then(() => isOver = true);
  await clock.settle();
  const wasOver = isOver;
  await turns[0]?.end(true);
  await ending;

  assert.equal(wasOver, false);
  assert.deepEqual(turns.map(({ name, signal }) => [name, signal.aborted]), [
    ["a 1", true],
    ["b remove", false],
    ["c 1", false],
  ]);
});

Deno.test("a turn goes on when a newer object comes, and is told to end when it must not", () => {
  for (
    const [next, isAborted] of [[apply("a", "2"), false], [apply("a", "1", { mayPrune: false }), true], [
      remove("a"),
      true,
    ]] as const
  ) {
    const { all, turns } = queues();
    all.want([apply("a", "1")]);

    all.want([next]);

    assert.equal(turns[0]?.signal.aborted, isAborted, nameOf(next));
  }
});

Deno.test("want() without a stack ends its turn and retries, and hears nothing of it", async () => {
  const { all, clock, turns, ended } = queues();
  all.want([apply("a", "1"), apply("b", "1")]);
  await turns[1]?.end(false);

  all.want([]);
  await turns[0]?.end(true);
  await clock.advance(600_000);

  assert.equal(turns[0]?.signal.aborted, true);
  assert.equal(turns.length, 2);
  assert.deepEqual(ended.map(([name]) => name), ["b 1"]);
});

Deno.test("a stack that is wanted again before its ended turn is over still has one turn at a time", async () => {
  const { all, turns, names } = queues();
  all.want([apply("a", "1")]);
  all.want([]);
  all.want([apply("a", "1")]);
  assert.equal(turns.length, 1);

  await turns[0]?.end(true);

  assert.deepEqual(names(), ["a 1", "a 1"]);
});

Deno.test("stop() tells every turn to end and waits for it", async () => {
  const { all, clock, turns } = queues();
  all.want([apply("a", "1")]);
  let isStopped = false;
  const stopping = all.stop().then(() => isStopped = true);
  await clock.settle();
  assert.deepEqual([turns[0]?.signal.aborted, isStopped], [true, false]);

  await turns[0]?.end(true);
  await stopping;

  assert.equal(turns.length, 1);
});

Deno.test("a turn whose end cannot be told does not stop its stack's next turn", async () => {
  const clock = new ManualClock();
  const survived: unknown[] = [];
  const survive = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    survived.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", survive);
  const performed: string[] = [];
  const bug = new Error("a bug");
  const all = new StackQueues<TurnEnd>({
    clock,
    turnsAtOnce: 8,
    random: () => 0.5,
    perform: (work) => {
      performed.push(nameOf(work));
      return Promise.resolve({ isSettled: true });
    },
    endOf: () => ({ isSettled: false }),
    ended: () => {
      throw bug;
    },
  });
  all.want([apply("a", "1")]);
  await clock.settle();

  all.want([apply("a", "2")]);
  await clock.settle();
  globalThis.removeEventListener("unhandledrejection", survive);

  assert.deepEqual(performed, ["a 1", "a 2"]);
  assert.deepEqual(survived, [bug, bug]);
  await all.stop();
});
