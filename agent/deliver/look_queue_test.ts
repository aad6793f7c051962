import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { LOOK_SPACING_MS, LookQueue, LOOKS_AT_ONCE, LOOKS_OF_ONE_STACK } from "./look_queue.ts";

class Item {
  lookedMs = -Infinity;
  constructor(readonly stackId: string, readonly name: string) {}
}

/** A queue whose looks end when the test lets them, and when each began. */
function looking({ isStuck = false } = {}) {
  const clock = new ManualClock();
  const began: string[] = [];
  const releases: (() => void)[] = [];
  const queue = new LookQueue<Item>({
    clock,
    look: ({ name }) => {
      began.push(`${clock.monotonic()} ${name}`);
      return isStuck ? new Promise((resolve) => releases.push(resolve)) : Promise.resolve();
    },
  });
  async function release(): Promise<void> {
    releases.shift()?.();
    await clock.settle();
  }
  return { clock, began, queue, release };
}

Deno.test("a look begins at once, and the next at the same object 5 s later, however often it is wanted", async () => {
  const { clock, began, queue } = looking();
  const item = new Item("s", "a");

  queue.want(item, 0);
  await clock.advance(1_000);
  for (let times = 0; times < 3; times += 1) queue.want(item, 1_000);
  await clock.advance(60_000);

  assert.deepEqual(began, ["0 a", `${LOOK_SPACING_MS} a`]);
});

Deno.test("a look that is wanted for later comes then, or earlier where somebody wants it earlier", async () => {
  const { clock, began, queue } = looking();
  const [late, early] = [new Item("s", "late"), new Item("s", "early")];
  for (const item of [late, early]) queue.want(item, 30_000);

  queue.want(early, 10_000);
  queue.want(late, 40_000);
  await clock.advance(60_000);

  assert.deepEqual(began, ["10000 early", "30000 late"]);
});

Deno.test("what is wanted while it is looked at is looked at again", async () => {
  const { clock, began, queue, release } = looking({ isStuck: true });
  const item = new Item("s", "a");
  queue.want(item, 0);

  queue.want(item, 0);
  await release();
  await clock.advance(LOOK_SPACING_MS);

  assert.deepEqual(began, ["0 a", `${LOOK_SPACING_MS} a`]);
});

Deno.test("no more looks are in progress than may be, and stacks take turns", async () => {
  const { began, queue, release } = looking({ isStuck: true });
  const wantMany = (stackId: string) => {
    for (let index = 0; index < LOOKS_AT_ONCE + 2; index += 1) queue.want(new Item(stackId, `${stackId} ${index}`), 0);
  };
  ["large", "other"].forEach(wantMany);
  queue.want(new Item("small", "small"), 0);
  const first = began.length;

  await release();
  await release();

  assert.equal(first, LOOKS_AT_ONCE);
  assert.deepEqual(began.slice(first), [`0 large ${LOOKS_OF_ONE_STACK}`, "0 small"]);
});

Deno.test("what one stack looks at in vain keeps no other stack's looks waiting", () => {
  const { began, queue } = looking({ isStuck: true });
  for (let index = 0; index < LOOKS_AT_ONCE + 2; index += 1) queue.want(new Item("stuck", `stuck ${index}`), 0);
  const first = began.length;

  queue.want(new Item("other", "other"), 0);

  assert.equal(first, LOOKS_OF_ONE_STACK);
  assert.deepEqual(began.slice(first), ["0 other"]);
});

Deno.test("what is dropped is not looked at, whether it waits for its time, for its turn or for the next look", async () => {
  const { clock, began, queue, release } = looking({ isStuck: true });
  const busy = Array.from({ length: LOOKS_OF_ONE_STACK }, (_, index) => new Item("s", `busy ${index}`));
  const [waiting, ready] = [new Item("s", "waiting"), new Item("s", "ready")];
  for (const item of [...busy, ready]) queue.want(item, 0);
  queue.want(waiting, 1_000);
  for (const item of busy) queue.want(item, 0);

  for (const item of [...busy, waiting, ready]) queue.drop(item);
  for (const _ of busy) await release();
  await clock.advance(60_000);

  assert.equal(began.length, LOOKS_OF_ONE_STACK);
});

Deno.test("stop() waits for the looks in progress, and begins no more", async () => {
  const { clock, began, queue, release } = looking({ isStuck: true });
  const item = new Item("s", "a");
  queue.want(item, 0);
  queue.want(item, 0);
  queue.want(new Item("s", "later"), 1_000);
  let isStopped = false;

  const stopped = queue.stop().then(() => isStopped = true);
  await clock.settle();
  const before = isStopped;
  await release();
  await stopped;
  queue.want(new Item("s", "after"), 0);
  await clock.advance(60_000);

  assert.deepEqual([before, began, clock.pending], [false, ["0 a"], 0]);
});
