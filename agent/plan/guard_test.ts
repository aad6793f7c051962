import assert from "node:assert/strict";
import fc from "fast-check";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { type Evidence, judge, type RootRecord, type Verdict } from "./guard.ts";

const EPOCH = "11111111-1111-4111-8111-111111111111";
const OTHER = "22222222-2222-4222-8222-222222222222";
const NOTHING: RootRecord = { known: undefined, hold: undefined, held: undefined, acceptEpoch: undefined };

interface Given extends Partial<Omit<Evidence, "snapshot">> {
  readonly present?: readonly string[];
  readonly terminating?: readonly string[];
  readonly epoch?: string;
  readonly revision?: number;
  readonly approved?: number;
}

function known(revision: number, rest: Partial<RootRecord> = {}): RootRecord {
  return { ...NOTHING, known: { epoch: EPOCH, revision }, ...rest };
}

function stack(id: string, state: "present" | "terminating"): Snapshot["stacks"][number] {
  return { stack_id: id, name: id, generator_id: id, state, deployment_object: null };
}

function judged(given: Given): Verdict {
  const { present = [], terminating = [], epoch = EPOCH, revision = 10, approved, ...rest } = given;
  const stacks = [
    ...present.map((id) => stack(id, "present")),
    ...terminating.map((id) => stack(id, "terminating")),
  ];
  const snapshot = {
    epoch,
    revision,
    complete: true,
    paused: false,
    prune_approved: approved ?? null,
    stacks,
  } as const;
  return judge({ root: known(9), inventory: [], snapshot, ...rest });
}

function ids(count: number, prefix = "s"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

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

  assert.deepEqual(verdict.root, { ...NOTHING, known: { epoch: OTHER, revision: 4 } });
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
  const held = { revision: 9, stackIds: ["a"], isApproved: true };
  const root = known(9, { held, acceptEpoch: OTHER });

  assert.equal(judged({ root, epoch: OTHER, inventory: ["a", "b"], present: ["b"] }).root.held, undefined);
});

Deno.test("judge() lets three of many stacks vanish, and holds four", () => {
  const inventory = ids(15);

  assert.equal(judged({ inventory, present: inventory.slice(3) }).removable.size, 3);
  const four = judged({ inventory, present: inventory.slice(4) });
  assert.equal(four.removable.size, 0);
  assert.deepEqual(four.root.held, { revision: 10, stackIds: inventory.slice(0, 4), isApproved: false });
});

Deno.test("judge() lets a fifth of a large inventory vanish, and holds one more", () => {
  const inventory = ids(100);

  assert.equal(judged({ inventory, present: inventory.slice(20) }).removable.size, 20);
  assert.equal(judged({ inventory, present: inventory.slice(21) }).removable.size, 0);
});

Deno.test("judge() takes the limit from the settings, 0 included", () => {
  const inventory = ids(10);

  assert.equal(judged({ inventory, present: inventory.slice(6), pruneMaxStacks: 6 }).removable.size, 6);
  assert.equal(judged({ inventory, present: inventory.slice(1), pruneMaxStacks: 0 }).waiting.size, 1);
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

const HELD = { revision: 7, stackIds: ["a", "b", "c", "d"], isApproved: false };

Deno.test("judge() keeps the held set and its revision while the set stays", () => {
  const verdict = judged({ root: known(9, { held: HELD }), inventory: [...HELD.stackIds, "x"], present: ["x"] });

  assert.deepEqual(verdict.root.held, HELD);
  assert.deepEqual([...verdict.waiting], HELD.stackIds);
});

Deno.test("judge() lets the held set go when its own revision is approved, and remembers that", () => {
  const given = { root: known(9, { held: HELD }), inventory: [...HELD.stackIds, "x"], present: ["x"], approved: 7 };

  const verdict = judged(given);

  assert.deepEqual([...verdict.removable], HELD.stackIds);
  assert.deepEqual(judged({ ...given, root: verdict.root, approved: undefined }).waiting.size, 0);
});

Deno.test("judge() goes on holding when another revision is approved", () => {
  const root = known(9, { held: HELD });

  assert.equal(judged({ root, inventory: HELD.stackIds, approved: 8 }).removable.size, 0);
});

Deno.test("judge() does not take a snapshot's own revision for an approval", () => {
  const held = { ...HELD, revision: 10 };

  assert.equal(judged({ root: known(9, { held }), inventory: HELD.stackIds, approved: 10 }).removable.size, 0);
});

Deno.test("judge() keeps holding what is left of a held set, though it is below the limit", () => {
  const root = known(9, { held: HELD });

  const verdict = judged({ root, inventory: [...HELD.stackIds, ...ids(9)], present: ["b", "c", "d", ...ids(9)] });

  assert.deepEqual([...verdict.waiting], ["a"]);
  assert.deepEqual(verdict.root.held, { ...HELD, stackIds: ["a"] });
});

Deno.test("judge() holds anew a set with any other stack in it, approved or not", () => {
  const root = known(9, { held: { ...HELD, isApproved: true } });

  const verdict = judged({ root, inventory: [...HELD.stackIds, "x", "y"], present: ["y"], approved: 7 });

  assert.deepEqual(verdict.root.held, { revision: 10, stackIds: [...HELD.stackIds, "x"], isApproved: false });
  assert.equal(verdict.removable.size, 0);
});

Deno.test("judge() forgets a held set when every stack of it is wanted again or gone", () => {
  const root = known(9, { held: HELD });

  assert.equal(judged({ root, inventory: ["a", "b"], present: ["a", "b"] }).root.held, undefined);
});

Deno.test("judge() leaves the held set alone while it holds on the epoch", () => {
  const verdict = judged({ root: known(9, { held: HELD }), epoch: OTHER, inventory: ["x"], approved: 7 });

  assert.deepEqual(verdict.root.held, HELD);
  assert.equal(verdict.removable.size, 0);
});

const UNIVERSE = ids(8);
const anySnapshot = fc.record({
  present: fc.subarray(UNIVERSE),
  terminating: fc.subarray(UNIVERSE),
  epoch: fc.constantFrom(EPOCH, EPOCH, EPOCH, OTHER),
  revision: fc.nat(20),
  approved: fc.option(fc.nat(20), { nil: undefined }),
}).map((given) => ({ ...given, terminating: given.terminating.filter((id) => !given.present.includes(id)) }));
const anyRoot = fc.record({
  known: fc.option(fc.record({ epoch: fc.constantFrom(EPOCH, OTHER), revision: fc.nat(20) }), { nil: undefined }),
  hold: fc.option(fc.record({ epoch: fc.constantFrom(EPOCH, OTHER), revision: fc.nat(20) }), { nil: undefined }),
  held: fc.option(
    fc.record({ revision: fc.nat(20), stackIds: fc.subarray(UNIVERSE, { minLength: 1 }), isApproved: fc.boolean() }),
    { nil: undefined },
  ),
  acceptEpoch: fc.option(fc.constantFrom(EPOCH, OTHER), { nil: undefined }),
});
const anyCase = fc.record({
  snapshot: anySnapshot,
  root: anyRoot,
  inventory: fc.subarray(UNIVERSE),
  pruneMaxStacks: fc.option(fc.nat(8), { nil: undefined }),
});

Deno.test("judge() lets go only what is in the inventory and absent, and either all of it or none", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const { removable, waiting } = judged({ ...snapshot, ...rest });

    const named = new Set([...snapshot.present, ...snapshot.terminating]);
    const absent = rest.inventory.filter((id) => !named.has(id));
    assert.deepEqual([...removable, ...waiting], absent);
    assert.ok(removable.size === 0 || waiting.size === 0);
  }));
});

Deno.test("judge() lets nothing go while the root has a hold, and a hold ends only by the snapshot's epoch accepted", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const { isOnHold, removable, root } = judged({ ...snapshot, ...rest });

    assert.equal(isOnHold, root.hold !== undefined);
    if (isOnHold) assert.deepEqual([removable.size, root.known], [0, rest.root.known]);
    if (!isOnHold) assert.deepEqual(root.known, { epoch: snapshot.epoch, revision: snapshot.revision });
    if (rest.root.hold !== undefined) assert.equal(isOnHold, rest.root.acceptEpoch !== snapshot.epoch);
  }));
});

Deno.test("judge() never lets more go than the limit, or all of two or more, but by approval of exactly that set", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const { removable } = judged({ ...snapshot, ...rest });

    const limit = rest.pruneMaxStacks ?? Math.max(3, rest.inventory.length / 5);
    const isAll = removable.size >= 2 && rest.inventory.every((id) => removable.has(id));
    if (removable.size <= limit && !isAll) return;
    const { held } = rest.root;
    assert.ok(held !== undefined && (held.isApproved || held.revision === snapshot.approved));
    assert.ok([...removable].every((id) => held.stackIds.includes(id)));
  }));
});

Deno.test("judge() says the same of the same snapshot twice", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const first = judged({ ...snapshot, ...rest });
    const second = judged({ ...snapshot, ...rest, root: first.root });

    assert.deepEqual(second, first);
  }));
});
