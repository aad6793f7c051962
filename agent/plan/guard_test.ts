import assert from "node:assert/strict";
import { EPOCH, heldWhole, ids, judged, known, NOTHING, OTHER, removed } from "../../tests/fakes/judged.ts";

Deno.test("judge() records the epoch and revision of the first snapshot", () => {
  const { root, isOnHold } = judged({ root: NOTHING });

  assert.deepEqual(root.known, { epoch: EPOCH, revision: 10 });
  assert.equal(isOnHold, false);
});

Deno.test("judge() records a higher revision of the known epoch, and accepts the same one again", () => {
  assert.deepEqual(judged({ root: known(9) }).root, known(10));
  assert.deepEqual(judged({ root: known(10) }).root, known(10));
});

Deno.test("judge() holds on another epoch and leaves what it knows as it was", () => {
  const { root, isOnHold, removable, waiting } = judged({ epoch: OTHER, revision: 99, inventory: ["a"] });

  assert.equal(isOnHold, true);
  assert.deepEqual([...removable], []);
  assert.deepEqual([...waiting], ["a"]);
  assert.deepEqual(root, known(9, { hold: { epoch: OTHER, revision: 99 } }));
});

Deno.test("judge() holds on a lower revision of the known epoch", () => {
  assert.equal(judged({ root: known(11), revision: 10 }).isOnHold, true);
});

Deno.test("judge() holds when the agent has applied something but remembers no broker", () => {
  assert.equal(judged({ root: NOTHING, inventory: ["a"], present: ["a"] }).isOnHold, true);
});

Deno.test("judge() keeps a hold although the revision grows past what is known", () => {
  const hold = { epoch: EPOCH, revision: 5 };

  const { root, isOnHold } = judged({ root: known(9, { hold }), revision: 500 });

  assert.equal(isOnHold, true);
  assert.deepEqual(root, known(9, { hold }));
});

Deno.test("judge() ends a hold when a person accepts the snapshot's epoch, and forgets the acceptance", () => {
  const root = known(9, { hold: { epoch: OTHER, revision: 3 }, acceptEpoch: OTHER });

  const verdict = judged({ root, epoch: OTHER, revision: 4, inventory: ["a", "b"], present: ["a"] });

  assert.deepEqual(verdict.root, { ...NOTHING, known: { epoch: OTHER, revision: 4 }, removals: removed(["b"], 0) });
  assert.deepEqual([...verdict.removable], ["b"]);
});

Deno.test("judge() keeps a hold when a person accepts an epoch that is not the snapshot's", () => {
  const root = known(9, { hold: { epoch: OTHER, revision: 3 }, acceptEpoch: "33333333-3333-4333-8333-333333333333" });

  assert.equal(judged({ root, epoch: OTHER }).isOnHold, true);
});

Deno.test("judge() accepts an epoch that a person accepted before it came", () => {
  const verdict = judged({ root: known(9, { acceptEpoch: OTHER }), epoch: OTHER, revision: 1 });

  assert.equal(verdict.isOnHold, false);
  assert.deepEqual(verdict.root, { ...NOTHING, known: { epoch: OTHER, revision: 1 } });
});

Deno.test("judge() drops an acceptance of the epoch it knows, lest a later backup be accepted unseen", () => {
  assert.equal(judged({ root: known(9, { acceptEpoch: EPOCH }) }).root.acceptEpoch, undefined);
});

Deno.test("judge() forgets the held set of the old epoch when another is accepted", () => {
  const held = heldWhole(["a"], { isApproved: true });
  const root = known(9, { held, acceptEpoch: OTHER });

  assert.deepEqual(judged({ root, epoch: OTHER, inventory: ["a", "b"], present: ["b"] }).root.held, []);
});

Deno.test("judge() counts a stack that is present without an object as one that is gone, once", () => {
  const inventory = ids(5);

  const few = judged({ inventory, present: inventory.slice(2), empty: inventory.slice(0, 2) });
  const many = judged({ inventory, present: inventory.slice(4), empty: inventory.slice(0, 4) });
  const again = judged({ root: few.root, inventory, present: inventory.slice(2), empty: inventory.slice(0, 2) });

  assert.deepEqual([...few.removable], ["s0", "s1"]);
  assert.deepEqual([...many.waiting], ["s0", "s1", "s2", "s3"]);
  assert.deepEqual(again.root.removals, removed(["s0", "s1"], 0));
});

Deno.test("judge() hears an approval on the root of just the revision at which a set is held, and drops it", () => {
  const held = heldWhole(["a", "b"]);
  const about = { inventory: ["a", "b", "c"], present: ["c"] };

  const right = judged({ ...about, root: known(9, { held, approvePrune: 7 }) });
  const wrong = judged({ ...about, root: known(9, { held, approvePrune: 6 }) });

  assert.deepEqual([...right.removable], ["a", "b"]);
  assert.deepEqual([right.root.held.map(({ isApproved }) => isApproved), "approvePrune" in right.root], [
    [true, true],
    false,
  ]);
  assert.deepEqual([wrong.removable.size, wrong.root.held, "approvePrune" in wrong.root], [0, held, false]);
});

Deno.test("judge() keeps an approval on the root while the broker is one that nobody accepted", () => {
  const root = known(9, { held: heldWhole(["a"]), approvePrune: 9 });

  assert.equal(judged({ root, epoch: OTHER, inventory: ["a"] }).root.approvePrune, 9);
});

Deno.test("judge() lets three of many stacks vanish, and holds four", () => {
  const inventory = ids(15);

  assert.equal(judged({ inventory, present: inventory.slice(3) }).removable.size, 3);
  const four = judged({ inventory, present: inventory.slice(4) });
  assert.equal(four.removable.size, 0);
  assert.deepEqual(four.root.held, heldWhole(inventory.slice(0, 4), { revision: 10 }));
});

Deno.test("judge() lets a fifth of a large inventory vanish, and holds one more", () => {
  const inventory = ids(100);

  assert.equal(judged({ inventory, present: inventory.slice(20) }).removable.size, 20);
  assert.equal(judged({ inventory, present: inventory.slice(21) }).removable.size, 0);
});

Deno.test("judge() takes the limit from the settings, 0 included", () => {
  const inventory = ids(10);

  assert.equal(judged({ inventory, present: inventory.slice(6), limits: { maxStacks: 6 } }).removable.size, 6);
  assert.equal(judged({ inventory, present: inventory.slice(1), limits: { maxStacks: 0 } }).waiting.size, 1);
});

Deno.test("judge() holds all of two, and lets the only one go", () => {
  assert.equal(judged({ inventory: ["a", "b"] }).waiting.size, 2);
  assert.equal(judged({ inventory: ["a"] }).removable.size, 1);
});

Deno.test("judge() holds all that would be left beside what a person deleted", () => {
  const verdict = judged({ inventory: ["a", "b", "c"], terminating: ["a"] });

  assert.deepEqual([...verdict.waiting], ["b", "c"]);
});

Deno.test("judge() does not count what a person deleted", () => {
  const inventory = ids(10);

  const verdict = judged({ inventory, terminating: inventory.slice(0, 8), present: ["s9"] });

  assert.deepEqual([...verdict.removable], ["s8"]);
});

const HELD_IDS = ["a", "b", "c", "d"];
const HELD = heldWhole(HELD_IDS);

Deno.test("judge() keeps the held set and its revision while the set stays", () => {
  const verdict = judged({ root: known(9, { held: HELD }), inventory: [...HELD_IDS, "x"], present: ["x"] });

  assert.deepEqual(verdict.root.held, HELD);
  assert.deepEqual([...verdict.waiting], HELD_IDS);
});

Deno.test("judge() lets the held set go when its own revision is approved, and remembers that", () => {
  const given = { root: known(9, { held: HELD }), inventory: [...HELD_IDS, "x"], present: ["x"], approved: 7 };

  const verdict = judged(given);

  assert.deepEqual([...verdict.removable], HELD_IDS);
  assert.deepEqual(judged({ ...given, root: verdict.root, approved: undefined }).waiting.size, 0);
});

Deno.test("judge() goes on holding when another revision is approved", () => {
  const root = known(9, { held: HELD });

  assert.equal(judged({ root, inventory: HELD_IDS, approved: 8 }).removable.size, 0);
});

Deno.test("judge() does not take a snapshot's own revision for an approval", () => {
  const held = heldWhole(HELD_IDS, { revision: 10 });

  assert.equal(judged({ root: known(9, { held }), inventory: HELD_IDS, approved: 10 }).removable.size, 0);
});

Deno.test("judge() keeps holding what is left of a held set, though it is below the limit", () => {
  const root = known(9, { held: HELD });

  const verdict = judged({ root, inventory: [...HELD_IDS, ...ids(9)], present: ["b", "c", "d", ...ids(9)] });

  assert.deepEqual([...verdict.waiting], ["a"]);
  assert.deepEqual(verdict.root.held, heldWhole(["a"]));
});

Deno.test("judge() holds a stack that leaves while others wait at its own revision, and each goes by its own approval", () => {
  const given = { inventory: [...HELD_IDS, "x", "y"], present: ["y"] };
  const [older, newer] = [HELD, heldWhole(["x"], { revision: 10 })];

  const { root } = judged({ ...given, root: known(9, { held: HELD }) });
  const first = judged({ ...given, root, revision: 12, approved: 7 });
  const second = judged({ ...given, root, revision: 12, approved: 10 });
  const both = judged({ ...given, root: first.root, revision: 13, approved: 10 });

  assert.deepEqual(root.held, [...older, ...newer]);
  assert.deepEqual([[...first.removable], [...first.waiting]], [HELD_IDS, ["x"]]);
  assert.deepEqual([[...second.removable], [...second.waiting]], [["x"], HELD_IDS]);
  assert.deepEqual([...both.removable], [...HELD_IDS, "x"]);
});

Deno.test("judge() hears an approval that names a stack, at its revision, and lets no other go by it", () => {
  const given = { inventory: [...HELD_IDS, "y"], present: ["y"], root: known(9, { held: HELD }) };

  const right = judged({ ...given, approvedHeld: { b: 7 } });
  const wrong = judged({ ...given, approvedHeld: { b: 6, y: 7 } });

  assert.deepEqual([...right.removable], ["b"]);
  assert.deepEqual([...right.waiting], ["a", "c", "d"]);
  assert.equal(wrong.removable.size, 0);
});

Deno.test("judge() counts a stack that leaves beside approved ones as if those were not there", () => {
  const root = known(9, { held: heldWhole(ids(40), { isApproved: true }) });
  const given = { root, inventory: [...ids(40), ...ids(6, "x")] };

  const few = judged({ ...given, present: ids(3, "x") });
  const many = judged({ ...given, present: ids(2, "x") });

  assert.equal(few.removable.size, 43);
  assert.deepEqual(few.root.removals.map(({ stackId }) => stackId), ["x3", "x4", "x5"]);
  assert.deepEqual([many.removable.size, [...many.waiting]], [40, ["x2", "x3", "x4", "x5"]]);
});

Deno.test("judge() forgets a held set when every stack of it is wanted again or gone", () => {
  const root = known(9, { held: HELD });

  assert.deepEqual(judged({ root, inventory: ["a", "b"], present: ["a", "b"] }).root.held, []);
});

Deno.test("judge() leaves the held set alone while it holds on the epoch", () => {
  const verdict = judged({ root: known(9, { held: HELD }), epoch: OTHER, inventory: ["x"], approved: 7 });

  assert.deepEqual(verdict.root.held, HELD);
  assert.equal(verdict.removable.size, 0);
});
