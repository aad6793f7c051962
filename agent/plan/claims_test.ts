import assert from "node:assert/strict";
import { Claims } from "./claims.ts";

const A = { id: "a", name: "A", object: { id: "a1", sequenceId: 1 } };
const B = { id: "b", name: "B", object: { id: "b1", sequenceId: 2 } };
const GONE = { id: "g", name: "gone", object: undefined };

function claims(...stacks: Parameters<Claims["plan"]>[0]): Claims {
  const made = new Claims();
  made.plan(stacks);
  return made;
}

Deno.test("wantedBy() is unknown until every other stack's bundle was read, and then names who wants the object", () => {
  const made = claims(A, B, GONE);
  made.know("a", { deploymentObjectId: "a1", keys: [] });

  const before = made.wantedBy("key", "a");
  made.know("b", { deploymentObjectId: "b1", keys: ["key"] });

  assert.equal(before, "unknown");
  assert.deepEqual(made.wantedBy("key", "a"), B);
  assert.equal(made.wantedBy("other", "a"), "nobody");
});

Deno.test("wantedBy() is unknown to an overtaken turn, as long as its own stack wants the object or may", () => {
  const made = claims(A);
  made.know("a", { deploymentObjectId: "a1", keys: [] });
  const before = made.wantedBy("key", "a");

  made.plan([{ ...A, object: { id: "a2", sequenceId: 3 } }]);
  const overtaken = made.wantedBy("key", "a");
  made.know("a", { deploymentObjectId: "a2", keys: ["key"] });

  assert.deepEqual([before, overtaken], ["nobody", "unknown"]);
  assert.deepEqual([made.wantedBy("key", "a"), made.wantedBy("other", "a")], ["unknown", "nobody"]);
});

Deno.test("wantedBy() does not believe what an older bundle wanted", () => {
  const made = claims(A, B);
  made.know("b", { deploymentObjectId: "b1", keys: ["key"] });

  made.plan([A, { ...B, object: { id: "b2", sequenceId: 3 } }]);

  assert.equal(made.wantedBy("key", "a"), "unknown");
});

Deno.test("a stack that is being removed, or is in the snapshot no more, wants nothing", () => {
  const made = claims(A, GONE);
  made.know("a", { deploymentObjectId: "a1", keys: [] });
  made.know("b", { deploymentObjectId: "b1", keys: ["key"] });

  assert.equal(made.wantedBy("key", "a"), "nobody");
  assert.equal(made.isWanted("key", GONE), "no");
});

Deno.test("recall() believes a record of the snapshot's bundle, and no other", () => {
  const made = claims(A, B);
  const record = { id: "b", wanted: { deploymentObjectId: "b0", keys: ["key"] } };

  made.recall(record);
  const old = made.wantedBy("key", "a");
  made.recall({ ...record, wanted: { ...record.wanted, deploymentObjectId: "b1" } });

  assert.equal(old, "unknown");
  assert.deepEqual(made.wantedBy("key", "a"), B);
});

Deno.test("know() believes the newest reading of a bundle, and a record only where none was read", () => {
  const made = claims(A, B);
  made.know("a", { deploymentObjectId: "a1", keys: [] });
  const of = (...keys: string[]) => ({ deploymentObjectId: "b1", keys });
  const before = made.isKnown("b");

  made.know("b", of("shop/key"));
  made.know("b", of("key"));
  made.recall({ id: "b", wanted: of("shop/key") });

  assert.deepEqual([before, made.isKnown("b"), made.isKnown("gone")], [false, true, true]);
  assert.deepEqual([made.wantedBy("shop/key", "a"), made.wantedBy("key", "a")], ["nobody", B]);
});

Deno.test("changes counts when it becomes known what a stack wants, once for each bundle", () => {
  const made = claims(A, B);
  const seen = [made.changes];

  for (const objectId of ["b1", "b1", "b2"]) {
    made.know("b", { deploymentObjectId: objectId, keys: [] });
    seen.push(made.changes);
  }

  assert.deepEqual(seen, [0, 1, 1, 2]);
});

Deno.test("comesFirst() names the stack that was submitted before, wants what nobody has yet, and may have it", () => {
  const made = claims(A, B, GONE);
  made.know("a", { deploymentObjectId: "a1", keys: ["key", "forbidden"] });
  made.know("b", { deploymentObjectId: "b1", keys: ["key", "forbidden"] });
  const before = made.changes;

  made.refuse("a", ["forbidden"]);
  const changes = made.changes;
  made.refuse("a", ["forbidden"]);

  assert.deepEqual([made.comesFirst("key", "b"), made.comesFirst("key", "a")], [A, undefined]);
  assert.equal(made.comesFirst("forbidden", "b"), undefined);
  assert.deepEqual([changes, made.changes], [before + 1, changes]);
  assert.deepEqual(made.wantedBy("forbidden", "b"), A);
});

Deno.test("a stack that may have what it wants after all comes first again", () => {
  const made = claims(A, B);
  made.know("a", { deploymentObjectId: "a1", keys: ["key"] });
  made.refuse("a", ["key"]);

  made.refuse("a", []);

  assert.deepEqual(made.comesFirst("key", "b"), A);
});

Deno.test("watch() tells of an object in removal when somebody comes to want it, or may, its own stack too", () => {
  const isAborted = (change: (made: Claims) => void) => {
    const made = claims(A, GONE);
    made.know("a", { deploymentObjectId: "a1", keys: [] });
    using watch = made.watch("key", "a");
    change(made);
    return watch.signal.aborted;
  };

  assert.equal(isAborted((made) => made.plan([A, B])), true);
  assert.equal(isAborted((made) => made.plan([{ ...A, object: { id: "a2", sequenceId: 3 } }])), true);
  assert.equal(isAborted((made) => made.know("a", { deploymentObjectId: "a1", keys: ["key"] })), true);
  assert.equal(isAborted((made) => made.know("a", { deploymentObjectId: "a1", keys: ["other"] })), false);
  assert.equal(isAborted((made) => made.plan([A])), false);
});
