import assert from "node:assert/strict";
import type { Snapshot, SnapshotStack } from "$lib/wire/snapshot.ts";
import { judge, type RootRecord } from "./guard.ts";
import { type ApplyWork, plan, type Situation, type StackRef, type Work } from "./plan.ts";

const EPOCH = "11111111-1111-4111-8111-111111111111";
const ROOT: RootRecord = {
  known: { epoch: EPOCH, revision: 1 },
  hold: undefined,
  held: [],
  removals: [],
  acceptEpoch: undefined,
};
const CHECKSUM = "a".repeat(64);

function wanted(id: string): SnapshotStack {
  const deployment_object = {
    id: `${id}-object`,
    sequence_id: 1,
    checksum: CHECKSUM,
    size_bytes: 3,
    submitted_at: "2026-01-01T00:00:00Z",
  };
  return { stack_id: id, name: `name of ${id}`, generator_id: "g", state: "present", deployment_object };
}

function terminating(id: string): SnapshotStack {
  return { ...wanted(id), state: "terminating", deployment_object: null };
}

/** The work that applies what {@linkcode wanted} wants. */
function applying(id: string, rest: Partial<ApplyWork> = {}): ApplyWork {
  return {
    kind: "apply",
    stack: { ...ref(id), generatorId: "g" },
    object: { id: `${id}-object`, checksum: CHECKSUM, sequenceId: 1 },
    policy: { suspended: false, drift: "repair" },
    mayPrune: true,
    mayReplace: true,
    ...rest,
  };
}

function ref(id: string): StackRef {
  return { id, name: `name of ${id}` };
}

function planned(
  stacks: readonly SnapshotStack[],
  given: {
    inventory?: string[];
    left?: string[];
    removed?: string[];
    root?: RootRecord;
    snapshot?: Partial<Snapshot>;
  } & Pick<Situation, "isKept"> = {},
) {
  const { inventory = [], left = [], removed = [], root = ROOT, isKept } = given;
  const snapshot: Snapshot = {
    epoch: EPOCH,
    revision: 2,
    complete: true,
    paused: false,
    prune_approved: null,
    stacks: [...stacks],
    ...given.snapshot,
  };
  const counted = inventory.map((id) => ({ id, objects: 1 }));
  const verdict = judge({ root, snapshot, inventory: counted, limits: {}, nowMs: 0 });
  const named = { inventory: inventory.map(ref), left: left.map(ref), removed: new Set(removed) };
  return plan({ snapshot, isKept, ...named, verdict });
}

function said(works: readonly Work[]): string[] {
  return works.map(({ kind, stack }) => `${kind} ${stack.id}`);
}

Deno.test("plan() applies what is wanted, with its object and leave to prune", () => {
  assert.deepEqual(planned([wanted("a")]), [applying("a")]);
});

Deno.test("plan() does nothing for a stack to which nothing is submitted", () => {
  const empty = { ...wanted("a"), deployment_object: null };

  assert.deepEqual(planned([empty]), []);
  assert.deepEqual(planned([{ ...empty, suspended: true }]), []);
});

Deno.test("plan() removes what was applied for a stack of which the broker knows no object, or waits while that is suspended", () => {
  const empty = { ...wanted("a"), deployment_object: null };

  assert.deepEqual(said(planned([empty, wanted("b")], { inventory: ["a", "b"] })), ["apply b", "remove a"]);
  assert.deepEqual(said(planned([{ ...empty, suspended: true }], { inventory: ["a"] })), ["wait a"]);
});

Deno.test("plan() removes nothing for a stack without an object while the epoch is on hold", () => {
  const empty = { ...wanted("a"), deployment_object: null };
  const root = { ...ROOT, hold: { epoch: EPOCH, revision: 9 } };

  const [work] = planned([empty], { inventory: ["a"], root });

  assert.deepEqual(work, { kind: "wait", stack: ref("a"), reason: "epoch_hold" });
});

Deno.test("plan() removes what a person deleted, whether or not it was ever applied", () => {
  assert.deepEqual(said(planned([terminating("a"), terminating("b")], { inventory: ["a"] })), ["remove a", "remove b"]);
});

Deno.test("plan() removes what is gone from the snapshot", () => {
  assert.deepEqual(said(planned([wanted("a")], { inventory: ["a", "b"] })), ["apply a", "remove b"]);
});

Deno.test("plan() lets a removal beyond the limit wait, with the revision to approve", () => {
  const works = planned([], { inventory: ["a", "b"] });

  assert.deepEqual(works, [
    { kind: "wait", stack: ref("a"), reason: "prune_held", revision: 2 },
    { kind: "wait", stack: ref("b"), reason: "prune_held", revision: 2 },
  ]);
});

Deno.test("plan() on hold applies without leave to prune, and lets every removal wait", () => {
  const root = { ...ROOT, hold: { epoch: EPOCH, revision: 0 } };

  const works = planned([wanted("a"), terminating("b")], { inventory: ["a", "b", "c"], root });

  assert.deepEqual(works, [
    applying("a", { mayPrune: false, mayReplace: false }),
    { kind: "wait", stack: { ...ref("b"), generatorId: "g" }, reason: "epoch_hold" },
    { kind: "wait", stack: ref("c"), reason: "epoch_hold" },
  ]);
});

Deno.test("plan() removes a stack that left before anything of it was applied, so that the broker hears it is gone", () => {
  assert.deepEqual(said(planned([wanted("a")], { inventory: ["a"], left: ["b"] })), ["apply a", "remove b"]);
});

Deno.test("plan() leaves the guard's word on a stack that left and was applied", () => {
  const works = planned([], { inventory: ["a", "b"], left: ["a", "b"] });

  assert.deepEqual(said(works), ["wait a", "wait b"]);
});

Deno.test("plan() removes nothing that left while it is on hold", () => {
  const root = { ...ROOT, known: { epoch: "22222222-2222-4222-8222-222222222222", revision: 1 } };

  assert.deepEqual(said(planned([], { left: ["a"], root })), ["wait a"]);
});

Deno.test("plan() says nothing more of what a person deleted, once it is gone and the broker was told", () => {
  const gone = [terminating("a"), terminating("b")];

  assert.deepEqual(said(planned(gone, { removed: ["a", "b"], inventory: ["b"] })), ["remove b"]);
});

Deno.test("plan() says whether a person's word removes a stack", () => {
  const works = planned([terminating("a")], { inventory: ["a", "b"] });

  assert.deepEqual(works.map((work) => work.kind === "remove" && work.byPerson), [true, false]);
});

Deno.test("plan() hands on who asked for a removal, of a stack that is named and of one that is not", () => {
  const asked = { traceparent: "t", tracestate: "vendor=a1", asked_at: "2026-01-01T00:00:00Z" };
  const handed = { traceparent: "t", tracestate: "vendor=a1", at: asked.asked_at };
  const removals = ["a", "b"].map((id) => ({ stack_id: id, ...asked }));

  const works = planned([terminating("a"), terminating("c")], { inventory: ["a", "b", "c"], snapshot: { removals } });

  assert.deepEqual(works.map((work) => work.kind === "remove" && work.asked), [
    ...[handed, undefined, handed],
  ]);
});

Deno.test("plan() lets a suspended stack wait, whatever is wanted of it", () => {
  const waiting = { ...wanted("a"), suspended: true, default_namespace: "shop" };
  const works = planned([waiting, { ...terminating("b"), suspended: true }], { inventory: ["a", "b"] });
  const { object } = applying("a");

  assert.deepEqual(works, [
    { kind: "wait", stack: { ...ref("a"), generatorId: "g" }, reason: "suspended", object, defaultNamespace: "shop" },
    { kind: "wait", stack: { ...ref("b"), generatorId: "g" }, reason: "suspended" },
  ]);
});

Deno.test("plan() hands on a stack's policy, and a person's word on what its namespaces hold", () => {
  const stack: SnapshotStack = { ...wanted("a"), drift: "report", default_namespace: "shop" };
  const approved_stacks = [{ stack_id: "a", revision: 7 }, { stack_id: "b", revision: 8 }];

  const works = planned([stack], { inventory: ["b"], snapshot: { approved_stacks } });

  const policy = { suspended: false, drift: "report", defaultNamespace: "shop" } as const;
  assert.deepEqual(works, [
    applying("a", { policy, approvedRevision: 7 }),
    { kind: "remove", stack: ref("b"), byPerson: false, approvedRevision: 8 },
  ]);
});

Deno.test("plan() of a kept snapshot applies, and neither prunes, replaces nor removes", () => {
  const works = planned([wanted("a"), terminating("b")], { inventory: ["a", "b", "c"], isKept: true });

  assert.deepEqual(works, [applying("a", { mayPrune: false, mayReplace: false })]);
});
