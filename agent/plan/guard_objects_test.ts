import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { heldWhole, HOUR_MS, known, NOW_MS, removed } from "../../tests/fakes/judged.ts";
import type { HeldStack, RootRecord } from "./guard.ts";
import { judgeRemoval, type Removal, type RemovalEvidence, withoutPart } from "./guard_objects.ts";
import { keySet } from "./key_set.ts";

function key(name: string): string {
  return JSON.stringify(["", "ConfigMap", "default", name]);
}

function keys(count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => key(`c${from + index}`));
}

function removal(stackKeys: readonly string[], total: number, rest: Partial<Removal> = {}): Removal {
  return { stackId: "a", stackName: "a", keys: stackKeys, wantedKeys: [], total, ...rest };
}

function asked(what: Removal, given: Partial<RemovalEvidence> = {}) {
  return judgeRemoval({ root: known(9), revision: 9, applied: 1_000, limits: {}, nowMs: NOW_MS, ...given }, what);
}

/** These objects of stack "a", held. */
function heldPart(stackKeys: readonly string[], rest: Partial<HeldStack> = {}): readonly HeldStack[] {
  return [{ id: "a", objects: stackKeys.length, keys: keySet(stackKeys), revision: 7, isApproved: false, ...rest }];
}

Deno.test("judgeRemoval() holds a bundle that shrinks from fifty objects to one, with the snapshot's revision", () => {
  const { root, isAllowed } = asked(removal(keys(49), 50));

  assert.equal(isAllowed, false);
  assert.deepEqual(root.held, heldPart(keys(49), { revision: 9 }));
  assert.deepEqual(root.removals, []);
});

Deno.test("judgeRemoval() lets half of a stack's objects go, or nine of ten, and remembers it", () => {
  assert.equal(asked(removal(keys(10), 20)).isAllowed, true);
  assert.equal(asked(removal(keys(9), 10)).isAllowed, true);
  assert.equal(asked(removal(keys(10), 19)).isAllowed, false);
  assert.deepEqual(asked(removal(keys(2), 20)).root.removals, [
    { stackId: "a", kind: "objects", atMs: NOW_MS, stacks: 0, objects: 2, keys: keySet(keys(2)) },
  ]);
});

Deno.test("judgeRemoval() counts a stack's objects over an hour", () => {
  const { root } = asked(removal(keys(9), 20));

  assert.equal(asked(removal(keys(1, 9), 11), { root }).isAllowed, true);
  assert.equal(asked(removal(keys(2, 9), 11), { root }).isAllowed, false);
  assert.equal(asked(removal(keys(2, 9), 11), { root, nowMs: NOW_MS + HOUR_MS }).isAllowed, true);
});

Deno.test("judgeRemoval() counts the objects of all stacks, the larger of fifty and a fifth of all", () => {
  const root = known(9, { removals: removed(["x"], 30, 40) });

  assert.equal(asked(removal(keys(10), 1_000), { root, applied: 100 }).isAllowed, true);
  assert.equal(asked(removal(keys(11), 1_000), { root, applied: 100 }).isAllowed, false);
  assert.equal(asked(removal(keys(200), 1_000)).isAllowed, true);
  assert.equal(asked(removal(keys(201), 1_000)).isAllowed, false);
  assert.equal(asked(removal(keys(1), 1_000), { limits: { maxObjects: 0 } }).isAllowed, false);
});

Deno.test("judgeRemoval() counts what is asked for again once, and what is left of it", () => {
  const first = asked(removal(keys(10), 20));

  const again = asked(removal(keys(10), 20), { root: first.root });
  const rest = asked(removal(keys(4), 14), { root: again.root });

  assert.deepEqual([again.isAllowed, rest.isAllowed], [true, true]);
  assert.deepEqual(rest.root.removals, first.root.removals);
});

Deno.test("judgeRemoval() does not count what the bundle replaces under a new hash, one for one", () => {
  const old = ["x-5f7d9c2b4k", "y-5f7d9c2b4k"].map(key);
  const wantedKeys = ["x-9g4h2t8m6c", "y-9g4h2t8m6c"].map(key);
  const many = Array.from({ length: 12 }, (_, index) => key(`x-5f7d9c2b${index + 10}`));

  const replaced = asked(removal(old, 2, { wantedKeys }), { limits: { maxObjects: 0 } });
  const lost = asked(removal(many, 13, { wantedKeys }));

  assert.deepEqual([replaced.isAllowed, replaced.root.removals], [true, []]);
  assert.deepEqual([lost.isAllowed, lost.root.held[0]?.objects], [false, 11]);
});

Deno.test("judgeRemoval() keeps a held set and its revision while the same is asked for, or less", () => {
  const root = known(9, { held: heldPart(keys(20)) });

  for (const count of [20, 3]) {
    assert.deepEqual(asked(removal(keys(count), 30), { root }), { root, isAllowed: false });
  }
});

Deno.test("judgeRemoval() lets an approved set go, or less of it, and does not count it", () => {
  const root = known(9, { held: heldPart(keys(20), { isApproved: true }) });

  for (const count of [20, 3]) {
    assert.deepEqual(asked(removal(keys(count), 30), { root }), { root, isAllowed: true });
  }
});

Deno.test("judgeRemoval() holds anew, all of it, what has more in it than what is held", () => {
  const root = known(9, { held: heldPart(keys(20)) });

  const more = asked(removal(keys(21), 30), { root });

  assert.deepEqual([more.isAllowed, more.root.held], [false, heldPart(keys(21), { revision: 9 })]);
});

Deno.test("judgeRemoval() counts what comes to an approved set as if that were not there", () => {
  const root = known(9, { held: heldPart(keys(20), { isApproved: true }) });

  const few = asked(removal(keys(21), 30), { root });
  const many = asked(removal(keys(30), 30), { root });

  assert.deepEqual([few.isAllowed, few.root.held, few.root.removals.map(({ objects }) => objects)], [true, root.held, [
    1,
  ]]);
  assert.deepEqual([many.isAllowed, many.root.held], [false, heldPart(keys(30), { revision: 9 })]);
});

Deno.test("judgeRemoval() holds whatever else is removed while something waits, each at its own revision", () => {
  const waiting = heldWhole(["x", "y"]);
  const approved = heldWhole(["x", "y"], { isApproved: true });

  const held = asked(removal(keys(1), 30), { root: known(9, { held: waiting }) });
  const free = asked(removal(keys(1), 30), { root: known(9, { held: approved }) });

  assert.deepEqual([held.isAllowed, held.root.held], [false, [...waiting, ...heldPart(keys(1), { revision: 9 })]]);
  assert.deepEqual([free.isAllowed, free.root.held], [true, approved]);
});

Deno.test("judgeRemoval() forgets what was held of a stack that has nothing to remove any more", () => {
  const others = heldWhole(["x"]);
  const both = [...others, ...heldPart(keys(20))];

  assert.deepEqual(asked(removal([], 30), { root: known(9, { held: heldPart(keys(20)) }) }).root.held, []);
  assert.deepEqual(withoutPart(known(9, { held: both }), "a").held, others);
  assert.deepEqual(withoutPart(known(9, { held: others }), "x").held, others);
});

Deno.test("judgeRemoval() allows nothing while the root has a hold", () => {
  const root = known(9, { hold: { epoch: "other", revision: 1 } });

  assert.deepEqual(asked(removal(keys(1), 30), { root }), { root, isAllowed: false });
});

Deno.test("judgeRemoval() knows a set again that has no room for its keys, but no part of it", () => {
  const many = keys(8_000);
  const { root } = asked(removal(many, 8_001));
  const approved = known(9, { held: root.held.map((one) => ({ ...one, isApproved: true })) });

  assert.ok((root.held[0]?.keys ?? "").length < 100);
  assert.equal(asked(removal(many, 8_001), { root: approved }).isAllowed, true);
  assert.equal(asked(removal(many.slice(1), 8_000), { root: approved }).isAllowed, false);
});

const anyAsk = fc.record({
  stackId: fc.constantFrom("a", "b", "c"),
  from: fc.nat(60),
  count: fc.integer({ min: 1, max: 30 }),
  minutes: fc.nat(20),
});

Deno.test("judgeRemoval() never lets more than the limit go within an hour, whatever is asked in whatever order", () => {
  fc.assert(fc.property(fc.array(anyAsk, { maxLength: 40 }), (asks) => {
    let root: RootRecord = known(9);
    let nowMs = NOW_MS;
    const gone: { readonly key: string; readonly atMs: number }[] = [];
    for (const { stackId, from, count, minutes } of asks) {
      nowMs += minutes * 60_000;
      const answer = asked(removal(keys(count, from), 100, { stackId }), { root, nowMs, applied: 300 });
      root = answer.root;
      if (!answer.isAllowed) continue;
      for (const one of keys(count, from)) {
        const name = `${stackId} ${one}`;
        if (!gone.some((past) => past.key === name && nowMs - past.atMs < HOUR_MS)) {
          gone.push({ key: name, atMs: nowMs });
        }
      }
      assert.ok(gone.filter(({ atMs }) => nowMs - atMs < HOUR_MS).length <= 60);
    }
  }));
});
