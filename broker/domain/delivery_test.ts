import assert from "node:assert/strict";
import { afterReport, type Delivery, DELIVERY_STATES, type Report } from "./delivery.ts";

const EARLIER = new Date("2026-01-01T00:00:00Z");
const NOW = new Date("2026-01-01T00:01:00Z");

function delivery(changes: Partial<Delivery> = {}): Delivery {
  return {
    agentId: "agent",
    stackId: "stack",
    desiredObjectId: "new",
    state: "pending",
    attempts: 0,
    firstSeenAt: EARLIER,
    deliveredAt: EARLIER,
    desiredAt: EARLIER,
    observedAt: EARLIER,
    ...changes,
  };
}

function report(changes: Pick<Report, "state"> & Partial<Report>): Report {
  return { agentId: "agent", stackId: "stack", ...changes };
}

Deno.test("afterReport() moves a wanted delivery to the state reported", () => {
  for (const state of ["applying", "applied", "failed", "blocked"] as const) {
    const after = afterReport(delivery(), report({ state }), NOW);

    assert.deepEqual([after.state, after.observedAt], [state, NOW]);
  }
});

Deno.test("afterReport() notes the object and the first time it was applied", () => {
  const first = afterReport(delivery(), report({ state: "applied" }), NOW);
  const second = afterReport(first, report({ state: "applied" }), new Date(NOW.getTime() + 1000));

  assert.deepEqual([first.appliedObjectId, first.appliedAt], ["new", NOW]);
  assert.deepEqual(second.appliedAt, NOW);
});

Deno.test("afterReport() takes a report as a proof that the object was delivered", () => {
  const unseen = delivery({ firstSeenAt: undefined, deliveredAt: undefined });

  const after = afterReport(unseen, report({ state: "failed" }), NOW);

  assert.deepEqual([after.firstSeenAt, after.deliveredAt], [NOW, NOW]);
});

Deno.test("afterReport() counts failures unless told how many, and keeps what the last report says of them", () => {
  const failed = { state: "failed", reason: "refused", message: "no such kind", nextRetryAt: NOW } as const;

  const twice = afterReport(afterReport(delivery(), report(failed), NOW), report(failed), NOW);
  const counted = afterReport(twice, report({ state: "failed", attempts: 9 }), NOW);
  const applied = afterReport(counted, report({ state: "applied" }), NOW);

  assert.deepEqual([twice.attempts, twice.reason, twice.message, twice.nextRetryAt], [
    2,
    "refused",
    "no such kind",
    NOW,
  ]);
  assert.deepEqual([counted.attempts, counted.reason], [9, undefined]);
  assert.deepEqual([applied.attempts, applied.message, applied.nextRetryAt], [9, undefined, undefined]);
});

Deno.test("afterReport() on another object than the desired one changes what is applied, and nothing else", () => {
  const before = delivery({ appliedObjectId: "older" });

  assert.deepEqual(afterReport(before, report({ state: "applied", objectId: "old" }), NOW), {
    ...before,
    appliedObjectId: "old",
  });
  assert.deepEqual(afterReport(before, report({ state: "removed", objectId: "older" }), NOW), {
    ...before,
    appliedObjectId: undefined,
  });
  assert.equal(afterReport(before, report({ state: "failed", objectId: "older" }), NOW), before);
});

Deno.test("afterReport() ends a terminating delivery on removed only; a failure sets reason and message", () => {
  const before = delivery({ state: "terminating", appliedObjectId: "new" });

  assert.equal(afterReport(before, report({ state: "applying" }), NOW), before);
  assert.equal(afterReport(before, report({ state: "applied" }), NOW).state, "terminating");
  const failed = afterReport(before, report({ state: "failed", reason: "stuck" }), NOW);
  assert.deepEqual([failed.state, failed.reason, failed.observedAt], ["terminating", "stuck", NOW]);
  const removed = afterReport(failed, report({ state: "removed" }), NOW);
  assert.deepEqual([removed.state, removed.appliedObjectId, removed.reason], ["removed", undefined, undefined]);
});

Deno.test("afterReport() remembers the revision of a held removal until another report", () => {
  const before = delivery({ state: "terminating" });

  const held = afterReport(before, report({ state: "blocked", reason: "prune_held", revision: 7 }), NOW);
  const failed = afterReport(held, report({ state: "failed", revision: 8 }), NOW);

  assert.deepEqual([held.reason, held.heldRevision], ["prune_held", 7]);
  assert.deepEqual([failed.reason, failed.heldRevision], [undefined, undefined]);
});

Deno.test("afterReport() passes over a held removal of a stack that is wanted again, not of what left a bundle", () => {
  const before = delivery({ state: "pending" });

  for (const reason of ["prune_held", "namespace_not_empty"]) {
    const held = report({ state: "blocked", reason, revision: 7 });
    const ofBundle = afterReport(before, { ...held, objectId: "new" }, NOW);

    assert.equal(afterReport(before, held, NOW), before);
    assert.deepEqual([ofBundle.state, ofBundle.reason, ofBundle.heldRevision], ["blocked", reason, 7]);
  }
});

Deno.test("afterReport() keeps a person's word about a stack only while that very block lasts", () => {
  const before = delivery({
    state: "terminating",
    reason: "namespace_not_empty",
    heldRevision: 7,
    approvedRevision: 7,
  });
  const after = (reason: string) => afterReport(before, report({ state: "blocked", reason, revision: 7 }), NOW);

  assert.equal(after("namespace_not_empty").approvedRevision, 7);
  assert.equal(after("waiting").approvedRevision, undefined);
  assert.equal(afterReport(before, report({ state: "removed" }), NOW).approvedRevision, undefined);
});

Deno.test("afterReport() forgets the health of what was removed", () => {
  const health = { status: "healthy", at: EARLIER } as const;

  for (const state of ["terminating", "applied"] as const) {
    const after = afterReport(delivery({ state, health, yielded: [] }), report({ state: "removed" }), NOW);

    assert.deepEqual([after.health, after.yielded], [undefined, undefined]);
  }
});

Deno.test("afterReport() makes a wanted delivery pending again when the agent removed it", () => {
  const applied = delivery({ state: "applied", appliedObjectId: "new", appliedAt: EARLIER });

  const after = afterReport(applied, report({ state: "removed" }), NOW);

  assert.deepEqual([after.state, after.appliedObjectId, after.appliedAt], ["pending", undefined, undefined]);
});

Deno.test("afterReport() leaves a removed delivery removed", () => {
  const before = delivery({ state: "removed" });

  for (const state of ["applying", "failed", "blocked", "removed"] as const) {
    assert.equal(afterReport(before, report({ state }), NOW), before);
  }
  assert.equal(afterReport(before, report({ state: "applied" }), NOW).state, "removed");
});

Deno.test("afterReport() never leaves the known states", () => {
  for (const state of DELIVERY_STATES) {
    for (const reported of ["applying", "applied", "failed", "blocked", "removed"] as const) {
      const after = afterReport(delivery({ state }), report({ state: reported }), NOW);
      assert.ok(DELIVERY_STATES.includes(after.state), `${state} + ${reported}`);
    }
  }
});

Deno.test("afterReport() takes what was seen later than now as seen now, so that a clock that was put right is believed", () => {
  const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
  const seen = (before: Delivery, status: "healthy" | "degraded", seenAt: Date, now: Date) =>
    afterReport(before, report({ state: "applied", health: { status, at: seenAt } }), now).health;

  const ahead = seen(delivery(), "degraded", at(3_600), NOW);

  assert.deepEqual(ahead, { status: "degraded", at: NOW });
  assert.deepEqual(seen({ ...delivery(), health: ahead }, "healthy", at(1), at(2)), { status: "healthy", at: at(1) });
});

Deno.test("afterReport() keeps what waits for a person while it is tried again, so that an approval meanwhile counts", () => {
  for (const reason of ["prune_held", "namespace_not_empty"]) {
    const held = { ...delivery(), state: "blocked", reason, heldRevision: 7, approvedRevision: 7 } as const;

    const tried = afterReport(held, report({ state: "applying" }), NOW);
    const applied = afterReport(tried, report({ state: "applied" }), NOW);

    assert.deepEqual([tried.state, tried.reason, tried.heldRevision, tried.approvedRevision], [
      "applying",
      reason,
      7,
      7,
    ]);
    assert.deepEqual([applied.reason, applied.heldRevision, applied.approvedRevision], [
      undefined,
      undefined,
      undefined,
    ]);
  }
});
