import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { type Loop, runLoop } from "$lib/retry.ts";
import { ObjectResult } from "$lib/wire/event.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { AGENT_ID, applied, BOOT_ID, OBJECT_ID, reports } from "../../tests/fakes/reports.ts";

const DOWN = new Failure("broker_unavailable", "Cannot report: it is down");

Deno.test("turn() sends a report with the agent, the start of it, and a number", async () => {
  const { all, sent, signal } = reports();
  all.put(applied("a", { message: "1 created", attempts: 2, nextRetryAtMs: 0, reason: "r", revision: 4 }));

  await all.turn(signal);

  assert.deepEqual(sent, [{
    agent_id: AGENT_ID,
    boot_id: BOOT_ID,
    seq: 1,
    stack_id: "a",
    deployment_object_id: OBJECT_ID,
    state: "applied",
    reason: "r",
    message: "1 created",
    revision: 4,
    attempts: 2,
    next_retry_at: "1970-01-01T00:00:00.000Z",
    results: undefined,
  }]);
  assert.equal(all.pending, 0);
});

Deno.test("put() keeps one report per stack, the newest", async () => {
  const { all, sent, signal } = reports();
  all.put(applied("a", { state: "applying" }));
  all.put(applied("b"));
  all.put(applied("a"));

  await all.turn(signal);

  assert.deepEqual(sent.map(({ stack_id, state, seq }) => [stack_id, state, seq]), [["a", "applied", 3], [
    "b",
    "applied",
    2,
  ]]);
});

Deno.test("the number of pending reports is told with each that comes, and with each that is acknowledged", async () => {
  const { all, pending, signal } = reports(DOWN);
  all.put(applied("a"));
  all.put(applied("b", { state: "applying" }));
  all.put(applied("b"));

  await all.turn(signal).catch(() => {});
  await all.turn(signal);

  assert.deepEqual(pending, [1, 2, 2, 1, 0]);
});

Deno.test("put() passes over a report that says nothing new", async () => {
  const { all, sent, signal } = reports();
  all.put(applied("a", { results: [{ kind: "ConfigMap", name: "c", action: "created" }] }));
  await all.turn(signal);

  all.put(applied("a", { results: [{ kind: "ConfigMap", name: "c", action: "unchanged" }] }));
  await all.turn(signal);

  assert.equal(sent.length, 1);
});

Deno.test("put() takes a report of a change, of another attempt, and of anything after forget()", async () => {
  const { all, sent, signal } = reports();
  const changed = applied("a", { results: [{ kind: "ConfigMap", name: "c", action: "configured" }] });
  for (const report of [changed, changed, applied("b", { attempts: 1 }), applied("b", { attempts: 2 })]) {
    all.put(report);
    await all.turn(signal);
  }

  all.forget();
  all.put(applied("b", { attempts: 2 }));
  await all.turn(signal);

  assert.equal(sent.length, 5);
});

Deno.test("put() says of a stack that was removed once more that it is, when it is removed once more", async () => {
  const { all, sent, signal } = reports();
  for (let times = 0; times < 2; times += 1) {
    all.put({ stackId: "a", objectId: undefined, state: "removed" });
    await all.turn(signal);
  }

  assert.equal(sent.length, 2);
});

Deno.test("turn() sends a report as part of its turn's trace, each time; a health that is said later is of no turn", async () => {
  const { all, traces, signal } = reports(DOWN);
  const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
  all.put(applied("a", { trace }));

  await assert.rejects(all.turn(signal), DOWN);
  await all.turn(signal);
  all.putHealth("a", { health: "healthy", atMs: 0, objects: new Map() });
  await all.turn(signal);

  assert.deepEqual(traces, [trace, trace, undefined]);
});

Deno.test("put() of a turn that wrote leaves out the health seen before it, until it is said anew; one that wrote nothing keeps it", async () => {
  const { all, sent, signal } = reports();
  const health = { health: "healthy", atMs: 0, objects: new Map() } as const;
  const results = (action: "configured" | "unchanged") => [{ kind: "Deployment", name: "web", action }];
  all.put(applied("a", { results: results("unchanged") }));
  all.putHealth("a", health);
  await all.turn(signal);

  all.put(applied("a", { attempts: 1, results: results("unchanged") }));
  await all.turn(signal);
  all.put(applied("a", { attempts: 2, results: results("configured") }));
  await all.turn(signal);
  all.putHealth("a", health);
  await all.turn(signal);

  assert.deepEqual(sent.map(({ health }) => health?.status), ["healthy", "healthy", undefined, "healthy"]);
});

Deno.test("putHealth() repeats what was said, whatever turns found since of which nothing was said", async () => {
  const { all, sent, signal } = reports();
  const results = (action: "configured" | "unchanged") => [{ kind: "ConfigMap", name: "a", action }];
  all.put(applied("a", { message: "1 configured", results: results("configured") }));
  await all.turn(signal);

  all.put(applied("a", { message: "1 unchanged", results: results("unchanged") }));
  await all.turn(signal);
  all.putHealth("a", { health: "degraded", atMs: 0, objects: new Map() });
  await all.turn(signal);

  const reported = sent.map(({ message, health }) => [message, health?.status]);
  assert.deepEqual(reported, [["1 configured", undefined], ["1 configured", "degraded"]]);
});

Deno.test("putHealth() says no more which fields were put right, and still which differ where drift is only named", async () => {
  const { all, sent, signal } = reports();
  const put = { kind: "ConfigMap", name: "put-right", action: "configured" as const, fields: ["/data/a"] };
  const left = { kind: "ConfigMap", name: "left", action: "unchanged" as const, fields: ["/data/b"] };
  all.put(applied("a", { results: [put, left] }));
  await all.turn(signal);

  all.putHealth("a", { health: "healthy", atMs: 0, objects: new Map() });
  await all.turn(signal);

  const [first, repeated] = sent.map(({ results }) => results?.map(({ action, fields }) => [action, fields]));
  assert.deepEqual(first, [["configured", ["/data/a"]], ["unchanged", ["/data/b"]]]);
  assert.deepEqual(repeated, [["unchanged", undefined], ["unchanged", ["/data/b"]]]);
});

Deno.test("turn() keeps what may be sent later and rejects, and sends the same report again", async () => {
  const { all, sent, signal } = reports(DOWN);
  all.put(applied("a"));

  await assert.rejects(all.turn(signal), DOWN);
  assert.equal(all.pending, 1);
  await all.turn(signal);

  assert.equal(all.pending, 0);
  assert.deepEqual(sent[1], sent[0]);
});

Deno.test("turn() drops and logs a report that the broker refuses for good, and sends the others", async () => {
  const { all, sent, said, signal } = reports(new Failure("broker_rejected", "Cannot report: status is 404"));
  all.put(applied("a"));
  all.put(applied("b"));

  await all.turn(signal);

  assert.deepEqual([all.pending, sent.length, said.length], [0, 2, 1]);
});

Deno.test("turn() drops a report of a stack that the broker does not have for this agent, and nobody need act", async () => {
  const details = { status: 403, code: "agent_not_associated" };
  const { all, sent, said, signal } = reports(
    new Failure("broker_rejected", "Cannot report: status is 403", { details }),
  );
  all.put(applied("a"));

  await all.turn(signal);

  assert.deepEqual([all.pending, sent.length, said], [0, 1, []]);
});

Deno.test("turn() keeps a report that came while an older one of its stack was being sent", async () => {
  const { all, sent, signal } = reports(() => all.put(applied("a", { state: "failed" })));
  all.put(applied("a"));

  await all.turn(signal);
  assert.equal(all.pending, 1);
  await all.turn(signal);

  assert.deepEqual(sent.map(({ state }) => state), ["applied", "failed"]);
});

Deno.test("waitForNext() wakes the loop at once for a report, and leaves a failing one to its back-off", async () => {
  const { all, sent } = reports(DOWN);
  const clock = new ManualClock();
  const stop = new AbortController();
  const loop: Loop = {
    turn: (signal) => all.turn(signal),
    intervalMs: 60_000,
    backoff: { minMs: 1_000, maxMs: 60_000 },
    failed: () => {},
  };
  const running = runLoop(loop, { clock, random: () => 0.5, wake: (s) => all.waitForNext(s) }, stop.signal);
  await clock.settle();

  all.put(applied("a"));
  await clock.settle();
  all.put(applied("b"));
  await clock.settle();
  assert.equal(sent.length, 1);
  await clock.advance(1_000);
  assert.equal(sent.length, 3);
  all.put(applied("c"));
  await clock.settle();
  assert.equal(sent.length, 4);

  stop.abort();
  await running;
});

Deno.test("put() bounds the results and keeps those that failed", async () => {
  const { all, sent, signal } = reports();
  const unchanged = Array.from({ length: 12_000 }, (_, index) => ({
    kind: "ConfigMap",
    name: `c${index}`,
    action: "unchanged" as const,
  }));
  all.put(
    applied("a", {
      results: [...unchanged, { kind: "Secret", name: "s", action: "failed", error: "x".repeat(5_000) }],
    }),
  );

  await all.turn(signal);

  const results = sent[0]?.results ?? [];
  assert.equal(results.length, 10_000);
  assert.deepEqual([results[0]?.name, results[0]?.error?.length], ["s", 1_000]);
});

Deno.test("put() cuts what a report may not hold, rather than having it refused", async () => {
  const { all, sent, signal } = reports();
  const long = "x".repeat(300);
  all.put(applied("a", { results: [{ kind: long, namespace: long, name: long, action: "failed" }] }));

  await all.turn(signal);

  const [result] = sent[0]?.results ?? [];
  assert.ok(ObjectResult.safeParse(result).success);
  assert.deepEqual([result?.kind, result?.namespace, result?.name], Array(3).fill("x".repeat(255)));
});
