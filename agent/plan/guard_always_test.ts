import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { EPOCH, heldWhole, ids, judged, OTHER, removed } from "../../tests/fakes/judged.ts";

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
  held: fc.tuple(
    fc.subarray(UNIVERSE),
    fc.array(fc.record({ revision: fc.nat(20), isApproved: fc.boolean() }), { minLength: 8, maxLength: 8 }),
  ).map(([all, how]) => heldWhole(all).map((stack, index) => ({ ...stack, ...how[index] }))),
  removals: fc.subarray(UNIVERSE).map((all) => removed(all, 30)),
  acceptEpoch: fc.option(fc.constantFrom(EPOCH, OTHER), { nil: undefined }),
});
const anyCase = fc.record({
  snapshot: anySnapshot,
  root: anyRoot,
  inventory: fc.subarray(UNIVERSE),
  limits: fc.record({ maxStacks: fc.option(fc.nat(8), { nil: undefined }) }),
});

Deno.test("judge() lets go only what is in the inventory and absent, and while anything waits only what is approved", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const { isOnHold, removable, waiting, root } = judged({ ...snapshot, ...rest });

    const named = new Set([...snapshot.present, ...snapshot.terminating]);
    const absent = rest.inventory.filter((id) => !named.has(id));
    assert.deepEqual([...removable, ...waiting].sort(), absent);
    if (isOnHold || waiting.size === 0) return;
    const approved = new Set(root.held.filter(({ isApproved }) => isApproved).map(({ id }) => id));
    assert.ok([...removable].every((id) => approved.has(id)));
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

Deno.test("judge() never lets more go than the limit, or all of two or more, but by approval of just that stack", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const { removable } = judged({ ...snapshot, ...rest });

    const isBefore = (id: string) =>
      rest.root.removals.some(({ stackId }) => stackId === id) && !snapshot.present.includes(id);
    const before = rest.root.removals.length;
    const approved = new Set(
      rest.root.held.filter(({ isApproved, revision }) => {
        return isApproved || (revision === snapshot.approved && revision < snapshot.revision);
      }).map(({ id }) => id),
    );
    const more = [...removable].filter((id) => !isBefore(id) && !approved.has(id));
    const ours = rest.inventory.filter((id) => !approved.has(id) || !removable.has(id)).length;
    const limit = rest.limits.maxStacks ?? Math.max(3, (ours + before) / 5);
    const isAll = removable.size >= 2 && rest.inventory.every((id) => removable.has(id));
    assert.ok(more.length === 0 || (before + more.length <= limit && !isAll));
  }));
});

Deno.test("judge() says the same of the same snapshot twice", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const first = judged({ ...snapshot, ...rest });
    const second = judged({ ...snapshot, ...rest, root: first.root });

    assert.deepEqual(second, first);
  }));
});
