import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { AGAIN, apply, queues, remove, wait } from "../../tests/fakes/stack_queues.ts";

Deno.test("no more stacks are in a turn at once than may be, and the next begins when one ends", async () => {
  const { all, turns, names } = queues({ turnsAtOnce: 2 });
  all.want(["a", "b", "c", "d"].map((stack) => apply(stack, "1")));
  assert.deepEqual(names(), ["a 1", "b 1"]);

  await turns[1]?.end(true);
  await turns[0]?.end(false);

  assert.deepEqual(names(), ["a 1", "b 1", "c 1", "d 1"]);
});

Deno.test("turns that last keep no other stack waiting for long, as long as they are not too many", async () => {
  const { all, clock, turns, names } = queues({ turnsAtOnce: 2 });
  const stacks = ["a", "b", "c", "d", "e", "f"];
  all.want(stacks.map((stack) => apply(stack, "1")));
  await clock.advance(14_999);
  const early = names().length;
  await clock.advance(1);
  const late = names().length;
  await clock.advance(60_000);
  const most = names().length;

  await turns[0]?.end(true);
  await clock.advance(15_000);
  const again = names().length;
  for (let at = 1; at < stacks.length; at += 1) await turns[at]?.end(true);

  assert.deepEqual([early, late, most, again, names().length], [2, 4, 4, 5, 6]);
  assert.equal(clock.pending, 0);
});

Deno.test("a turn that steps aside lets another stack have its place, and goes on when there is one again", async () => {
  const { all, turns, names } = queues({ turnsAtOnce: 1 });
  all.want(["a", "b", "c"].map((stack) => apply(stack, "1")));
  const room = Promise.withResolvers<string>();
  const steps: string[] = [];

  const stepping = turns[0]?.context.stepAside(() => room.promise).then((got) => steps.push(got));
  await setImmediate();
  const begun = names();
  room.resolve("room");
  await setImmediate();
  const before = [...steps];
  await turns[1]?.end(true);
  await turns[2]?.end(true);
  await stepping;

  assert.deepEqual([begun, names()], [["a 1", "b 1"], ["a 1", "b 1", "c 1"]]);
  assert.deepEqual([before, steps], [[], ["room"]]);
});

Deno.test("a turn that steps aside in vain ends without a place, and gives none away", async () => {
  const { all, turns, names } = queues({ turnsAtOnce: 1 });
  all.want(["a", "b", "c"].map((stack) => apply(stack, "1")));
  const stepping = assert.rejects(async () => {
    await turns[0]?.context.stepAside(() => Promise.reject(new Error("given up")));
  });
  await setImmediate();

  await stepping;
  await turns[0]?.end(true);
  const begun = names();
  await turns[1]?.end(true);

  assert.deepEqual([begun, names()], [["a 1", "b 1"], ["a 1", "b 1", "c 1"]]);
});

Deno.test("works that only wait are done although every slot is taken", () => {
  const { all, names } = queues({ turnsAtOnce: 1 });

  all.want([apply("a", "1"), wait("b")]);

  assert.deepEqual(names(), ["a 1", "b wait"]);
});

Deno.test("a slot that a stack no longer needs goes to the next, and one that is not wanted any more begins nothing", async () => {
  const { all, turns, names } = queues({ turnsAtOnce: 1 });
  all.want(["a", "b", "c"].map((stack) => apply(stack, "1")));

  all.want([apply("a", "1"), apply("c", "1")]);
  await turns[0]?.end(true);
  await turns[1]?.end(true);
  all.want([apply("a", "1"), apply("c", "1")], AGAIN);

  assert.deepEqual(names(), ["a 1", "c 1", "a 1"]);
});

Deno.test("a submission does not wait behind a whole resync, nor a resync behind all submissions", async () => {
  const { all, turns, names } = queues({ turnsAtOnce: 1 });
  const settled = ["a", "b", "c", "d"].map((stack) => apply(stack, "1"));
  all.want(settled);
  for (let turn = 0; turn < 4; turn += 1) await turns[turn]?.end(true);

  all.want(settled, AGAIN);
  all.want([...settled, apply("e", "1"), apply("f", "1")]);
  for (let turn = 4; turn < 9; turn += 1) await turns[turn]?.end(true);

  assert.deepEqual(names().slice(4), ["a 1", "e 1", "b 1", "f 1", "c 1", "d 1"]);
});

Deno.test("stop() and endApplies() do not wait for turns of others", async () => {
  const { all, clock } = queues({ turnsAtOnce: 1 });
  all.want([apply("a", "1"), apply("b", "1")]);
  let isOver = false;

  void all.endApplies(["b"]).then(() => isOver = true);
  await clock.settle();

  assert.equal(isOver, true);
});

Deno.test("a turn hears why it is made, and the revision that was planned last", async () => {
  const { all, turns, clock } = queues();
  all.want([apply("a", "1")], { revision: 4 });
  await turns[0]?.end(true);
  all.want([apply("a", "1")], { again: { compareAll: true }, revision: 5 });
  await turns[1]?.end(false);
  await clock.advance(5_000);
  await turns[2]?.end(true);
  all.wantDrift("a");
  await turns[3]?.end(true);

  assert.deepEqual(turns.map(({ context: { stepAside: _, ...why } }) => why), [
    { isResync: false, compareAll: false, isDrift: false, failures: 0, revision: 4 },
    { isResync: true, compareAll: true, isDrift: false, failures: 0, revision: 5 },
    { isResync: false, compareAll: true, isDrift: false, failures: 1, revision: 5 },
    { isResync: false, compareAll: false, isDrift: true, failures: 0, revision: 5 },
  ]);
});

Deno.test("a resync that is asked for while a turn is in progress follows it, but not one that failed", async () => {
  for (const [isSettled, turnsAfter] of [[true, 2], [false, 1]] as const) {
    const { all, turns } = queues();
    all.want([apply("a", "1")]);

    all.want([apply("a", "1")], AGAIN);
    await turns[0]?.end(isSettled);

    assert.equal(turns.length, turnsAfter);
  }
});

Deno.test("a resync that is asked for while others keep its stack waiting is still one", async () => {
  const { all, turns } = queues({ turnsAtOnce: 1 });
  all.want([apply("a", "1"), apply("b", "1")]);
  await turns[0]?.end(true);
  all.want([apply("a", "1"), apply("b", "1")], AGAIN);

  all.supersede();
  all.want([apply("a", "1"), apply("b", "1")]);
  await turns[1]?.end(true);
  await turns[2]?.end(true);
  await turns[3]?.end(true);

  assert.deepEqual(turns.slice(2).map(({ name, context }) => [name, context.isResync]), [["a 1", true], ["b 1", true]]);
});

Deno.test("wantDrift() repeats a settled apply alone, and nothing of what is removed, unknown or in back-off", async () => {
  const { all, turns, names } = queues();
  all.want([apply("a", "1"), apply("b", "1"), remove("c")]);
  await turns[0]?.end(true);
  await turns[1]?.end(false);
  await turns[2]?.end(true);

  for (const stack of ["a", "b", "c", "unknown"]) all.wantDrift(stack);

  assert.deepEqual(names().slice(3), ["a 1"]);
});

Deno.test("a stack whose drift is off is neither repeated by a resync nor by drift, and applies what is new", async () => {
  const { all, turns, names } = queues();
  const policy = { suspended: false, drift: "off" } as const;
  all.want([apply("a", "1", { policy })]);
  await turns[0]?.end(true);

  all.want([apply("a", "1", { policy })], AGAIN);
  all.wantDrift("a");
  all.want([apply("a", "2", { policy })], AGAIN);

  assert.deepEqual(names(), ["a 1", "a 2"]);
});

Deno.test("wake() tries at once what is in back-off, and leaves the settled alone", async () => {
  const { all, turns, names, ended, clock } = queues();
  all.want([apply("a", "1"), apply("b", "1")]);
  await turns[0]?.end(false);
  await turns[1]?.end(true);

  all.wake(["a", "b", "unknown"]);
  await turns[2]?.end(false);
  await clock.advance(9_000);

  assert.deepEqual(names(), ["a 1", "b 1", "a 1"]);
  assert.equal(ended.at(-1)?.[2]?.attempts, 2);
});

Deno.test("wake() of a stack in its turn has it tried again soon where it fails, and only then", async () => {
  const { all, turns, clock } = queues();
  all.want([apply("a", "1")]);
  all.wake(["a"]);
  await turns[0]?.end(false);
  await clock.advance(1_000);
  await turns[1]?.end(false);

  await clock.advance(9_000);

  assert.equal(turns.length, 2);
});

Deno.test("a removal goes on when its stack, deleted by a person, leaves the snapshot", async () => {
  const { all, turns, names } = queues();
  all.want([remove("a", true)]);

  all.want([remove("a", false)]);
  await turns[0]?.end(true);

  assert.equal(turns[0]?.signal.aborted, false);
  assert.deepEqual(names(), ["a remove", "a remove"]);
});

Deno.test("a resync that is asked for while new work waits for a slot leaves it new work", async () => {
  const { all, turns } = queues({ turnsAtOnce: 1 });
  all.want([apply("a", "1"), apply("b", "1")]);

  all.want([apply("a", "1"), apply("b", "1")], { again: { compareAll: true } });
  await turns[0]?.end(true);
  await turns[1]?.end(true);

  const [b] = turns.filter(({ name }) => name === "b 1");
  assert.deepEqual([b?.context.isResync, b?.context.compareAll], [false, true]);
});

Deno.test("no turn begins while none may, those that wait for a slot neither, and what was due does when it is wanted", async () => {
  let may = true;
  const { all, turns, names } = queues({ turnsAtOnce: 1, mayBegin: () => may });
  all.want([apply("a", "1"), apply("b", "1")]);
  may = false;
  await turns[0]?.end(true);
  all.want([apply("a", "2"), apply("b", "1")]);
  const before = names();

  may = true;
  all.want([apply("a", "2"), apply("b", "1")]);
  await turns[1]?.end(true);

  assert.deepEqual([before, names()], [["a 1"], ["a 1", "a 2", "b 1"]]);
});
