import assert from "node:assert/strict";
import { heldWhole, HOUR_MS, ids, judged, known, NOW_MS, removed } from "../../tests/fakes/judged.ts";
import type { RootRecord } from "./guard.ts";

/** What vanishes of sixty stacks when each poll, `minutes` after the one before, lacks three more. */
function vanished(minutes: number): number {
  let root: RootRecord = known(1);
  const inventory = new Set(ids(60));
  const wanted = new Set(inventory);
  for (let poll = 0; poll < 19; poll += 1) {
    [...wanted].slice(0, 3).forEach((id) => wanted.delete(id));
    const nowMs = NOW_MS + poll * minutes * 60_000;
    const verdict = judged({ root, inventory: [...inventory], present: [...wanted], revision: 2 + poll, nowMs });
    root = verdict.root;
    verdict.removable.forEach((id) => inventory.delete(id));
  }
  return 60 - inventory.size;
}

Deno.test("judge() holds three stacks less each poll once a fifth is gone within an hour", () => {
  assert.equal(vanished(1), 12);
});

Deno.test("judge() lets three stacks go every hour", () => {
  assert.equal(vanished(60), 57);
});

Deno.test("judge() remembers what it lets go, once, and for an hour", () => {
  const given = { inventory: ["a", "b", "c"], present: ["b", "c"] };
  const first = judged(given);

  const again = judged({ ...given, root: first.root, nowMs: NOW_MS + HOUR_MS - 1 });
  const later = judged({ ...given, root: first.root, nowMs: NOW_MS + HOUR_MS, inventory: ["b", "c"] });

  assert.deepEqual(first.root.removals, removed(["a"], 0));
  assert.deepEqual(again.root.removals, first.root.removals);
  assert.deepEqual(later.root.removals, []);
});

Deno.test("judge() lets what is on its way go on, though no more may go", () => {
  const root = known(9, { removals: removed(["a", "b", "c"], 5) });
  const others = ids(9);

  const going = judged({ root, inventory: ["a", ...others], present: others });
  const more = judged({ root, inventory: ["a", ...others], present: others.slice(1) });

  assert.deepEqual([...going.removable], ["a"]);
  assert.deepEqual(more.root.held, heldWhole(["a", "s0"], { revision: 10 }));
});

Deno.test("judge() lets what is on its way go on when the limit is lowered meanwhile", () => {
  const root = known(9, { removals: removed(["a", "b", "c"], 5) });

  const going = judged({ root, inventory: ["a", ...ids(9)], present: ids(9), limits: { maxStacks: 1 } });

  assert.deepEqual([...going.removable], ["a"]);
});

Deno.test("judge() counts a stack that came back and leaves once more as another", () => {
  const root = known(9, { removals: removed(["a", "b", "c"], 5) });
  const others = ids(9);
  const back = judged({ root, inventory: others, present: ["a", ...others] });

  const gone = judged({ root: back.root, inventory: ["a", ...others], present: others });

  assert.deepEqual([...gone.waiting], ["a"]);
});

Deno.test("judge() holds the last of two stacks that leave one after the other within an hour", () => {
  const removals = removed(["a"], 59);

  assert.equal(judged({ root: known(9, { removals }), inventory: ["b"] }).waiting.size, 1);
  assert.equal(judged({ root: known(9), inventory: ["b"] }).waiting.size, 0);
});

Deno.test("judge() counts the objects of stacks that leave, the larger of fifty and a fifth of all", () => {
  const big = (objects: number, others: number) => ({
    inventory: [{ id: "a", objects }, { id: "b", objects: others }],
    present: ["b"],
  });

  assert.equal(judged(big(50, 1)).removable.size, 1);
  assert.equal(judged(big(51, 1)).waiting.size, 1);
  assert.equal(judged(big(200, 800)).removable.size, 1);
  assert.equal(judged(big(201, 799)).waiting.size, 1);
  assert.equal(judged({ ...big(8, 1), limits: { maxObjects: 7 } }).waiting.size, 1);
});

Deno.test("judge() counts objects over an hour", () => {
  const root = known(9, { removals: removed(["x"], 30, 30) });
  const inventory = [{ id: "a", objects: 21 }, { id: "b", objects: 1 }, { id: "c", objects: 1 }];

  assert.equal(judged({ root, inventory, present: ["b", "c"] }).waiting.size, 1);
  assert.equal(judged({ inventory, present: ["b", "c"] }).waiting.size, 0);
});

Deno.test("judge() takes a removal of a time to come for one of now", () => {
  const root = known(9, { removals: removed(["a"], -5_000) });

  assert.deepEqual(judged({ root, inventory: ["b"], present: ["b"] }).root.removals, removed(["a"], 0));
});

Deno.test("judge() holds what a person deleted only where that is limited, and counts it over an hour", () => {
  const inventory = ids(9);
  const given = { inventory, terminating: inventory.slice(0, 4), present: inventory.slice(4) };

  const unlimited = judged(given);
  const within = judged({ ...given, limits: { maxTerminating: 4 } });
  const beyond = judged({ ...given, limits: { maxTerminating: 3 } });
  const next = judged({
    root: within.root,
    inventory: inventory.slice(4),
    terminating: ["s4"],
    present: inventory.slice(5),
    limits: { maxTerminating: 4 },
  });

  assert.deepEqual([unlimited.waiting.size, unlimited.root.removals.length], [0, 0]);
  assert.equal(within.waiting.size, 0);
  assert.deepEqual([...beyond.waiting], inventory.slice(0, 4));
  assert.deepEqual(beyond.root.held, heldWhole(inventory.slice(0, 4), { revision: 10 }));
  assert.deepEqual([...next.waiting], ["s4"]);
});

Deno.test("judge() lets approved removals go without counting them", () => {
  const held = heldWhole(["a", "b", "c", "d"]);
  const given = { root: known(9, { held }), inventory: ["a", "b", "c", "d", "x"], present: ["x"], approved: 7 };

  assert.deepEqual(judged(given).root.removals, []);
});
