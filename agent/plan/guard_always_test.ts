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
  held: fc.option(
    fc.record({
      revision: fc.nat(20),
      stacks: fc.subarray(UNIVERSE, { minLength: 1 }).map((all) => heldWhole(all).stacks),
      isApproved: fc.boolean(),
    }),
    { nil: undefined },
  ),
  removals: fc.subarray(UNIVERSE).map((all) => removed(all, 30)),
  acceptEpoch: fc.option(fc.constantFrom(EPOCH, OTHER), { nil: undefined }),
});
const anyCase = fc.record({
  snapshot: anySnapshot,
  root: anyRoot,
  inventory: fc.subarray(UNIVERSE),
  limits: fc.record({ maxStacks: fc.option(fc.nat(8), { nil: undefined }) }),
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

    const isBefore = (id: string) =>
      rest.root.removals.some(({ stackId }) => stackId === id) && !snapshot.present.includes(id);
    const before = rest.root.removals.length;
    const more = [...removable].filter((id) => !isBefore(id));
    const limit = rest.limits.maxStacks ?? Math.max(3, (rest.inventory.length + before) / 5);
    const isAll = removable.size >= 2 && rest.inventory.every((id) => removable.has(id));
    if (more.length === 0 || (before + more.length <= limit && !isAll)) return;
    const { held } = rest.root;
    assert.ok(held !== undefined && (held.isApproved || held.revision === snapshot.approved));
    assert.ok([...removable].every((id) => held.stacks.some((stack) => stack.id === id)));
  }));
});

Deno.test("judge() says the same of the same snapshot twice", () => {
  fc.assert(fc.property(anyCase, ({ snapshot, ...rest }) => {
    const first = judged({ ...snapshot, ...rest });
    const second = judged({ ...snapshot, ...rest, root: first.root });

    assert.deepEqual(second, first);
  }));
});
