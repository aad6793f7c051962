import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { type HealthStatus, NewAgentEvent, type ObjectResult } from "$lib/wire/event.ts";
import { AGENT_ID, applied, reports } from "../../tests/fakes/reports.ts";
import type { HealthNews } from "../deliver/watched_stack.ts";
import type { StackReport } from "./report.ts";

const SEEN_MS = Date.UTC(2026, 0, 1);
const SEEN = "2026-01-01T00:00:00.000Z";
const DOWN = new Failure("broker_unavailable", "Cannot report: it is down");
const WEB: ObjectResult = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  namespace: "n",
  name: "web",
  action: "created",
};
const CONFIG: ObjectResult = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  namespace: "n",
  name: "c",
  action: "created",
};
const GONE: ObjectResult = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  namespace: "n",
  name: "old",
  action: "deleted",
};

function refusal(status: number): Failure {
  return new Failure("broker_rejected", `Cannot report: status is ${status}`, { details: { status } });
}

/** The health of a stack whose one Deployment is so. */
function news(health: HealthStatus, reason?: string): HealthNews {
  const resource = { apiVersion: "apps/v1", kind: "Deployment", resource: "deployments", namespaced: true, verbs: [] };
  const verdict = { health, atMs: SEEN_MS, ...(reason === undefined ? {} : { reason }) };
  return { ...verdict, objects: new Map([["web", { place: { resource, namespace: "n", name: "web" }, verdict }]]) };
}

Deno.test("a report holds fields, fields left to others and warnings, within what the broker takes", async () => {
  const { all, sent, signal } = reports();
  const fields = Array.from({ length: 30 }, (_, index) => `/${index}${"x".repeat(600)}`);
  const left = { kind: "Deployment", name: "web", path: "/spec/replicas", manager: "m".repeat(300) };
  all.put(applied("a", {
    results: [{ ...WEB, fields }],
    yielded: Array.from({ length: 1_100 }, () => left),
    warnings: Array.from({ length: 120 }, () => "w".repeat(2_000)),
  }));

  await all.turn(signal);

  const [event] = sent;
  assert.ok(NewAgentEvent.safeParse({ ...event, stack_id: AGENT_ID }).success);
  assert.deepEqual([event?.results?.[0]?.fields?.length, event?.yielded?.length, event?.warnings?.length], [
    20,
    1_000,
    100,
  ]);
});

Deno.test("a change of what is left to others, or of a warning, is news", async () => {
  const { all, sent, signal } = reports();
  const left = { path: "/spec/replicas", manager: "m" };
  for (const rest of [{}, { yielded: [left] }, { yielded: [left] }, { warnings: ["w"] }]) {
    all.put(applied("a", rest));
    await all.turn(signal);
  }

  assert.equal(sent.length, 3);
});

Deno.test("putHealth() goes along with the report that is pending, of the stack and of each object", async () => {
  const { all, sent, signal } = reports();
  all.put(applied("a", { results: [WEB, CONFIG] }));

  all.putHealth("a", news("degraded", "CrashLoopBackOff of web"));
  await all.turn(signal);

  assert.equal(sent.length, 1);
  assert.deepEqual(sent[0]?.health, { status: "degraded", reason: "CrashLoopBackOff of web", at: SEEN });
  assert.deepEqual(sent[0]?.results?.map(({ name, action, health, health_at }) => [name, action, health, health_at]), [
    ["web", "created", "degraded", SEEN],
    ["c", "created", undefined, undefined],
  ]);
});

Deno.test("putHealth() alone repeats what was said last, without saying once more what was done", async () => {
  const { all, sent, signal } = reports();
  all.put(applied("a", { message: "3 objects", results: [WEB, CONFIG, GONE] }));
  await all.turn(signal);

  all.putHealth("a", news("healthy"));
  await all.turn(signal);

  const [, { seq, state, message, health, results } = { seq: 0 }] = sent;
  assert.deepEqual([seq, state, message, health], [2, "applied", "3 objects", { status: "healthy", at: SEEN }]);
  assert.deepEqual(results?.map(({ name, action }) => [name, action]), [["web", "unchanged"], ["c", "unchanged"]]);
});

Deno.test("putHealth() alone of a blocked stack says its state, reason and revision as they were, and no results", async () => {
  const { all, sent, signal } = reports();
  const failure: ObjectResult = { ...WEB, action: "failed", error: "no" };
  all.put(applied("a", { state: "blocked", reason: "prune_held", revision: 4, attempts: 2, results: [failure] }));
  await all.turn(signal);

  all.putHealth("a", news("progressing"));
  await all.turn(signal);

  const without = ({ seq: _seq, health: _health, results: _results, ...rest }: NewAgentEvent) => rest;
  assert.deepEqual(sent.map(without)[1], sent.map(without)[0]);
  assert.equal(sent[1]?.results, undefined);
});

Deno.test("putHealth() of a stack of which nothing was said waits for its report, and goes when the stack does", async () => {
  const { all, sent, signal } = reports();
  all.putHealth("a", news("healthy"));
  assert.equal(all.pending, 0);
  for (const state of ["applied", "removed", "applied"] as const) {
    all.put(applied("a", { state }));
    await all.turn(signal);
  }

  assert.deepEqual(sent.map(({ health }) => health?.status), ["healthy", "healthy", undefined]);
});

Deno.test("health that comes while a report is on its way follows it, and does not take its place when that fails", async () => {
  for (const ending of [undefined, DOWN]) {
    let reportHealth = () => {};
    const { all, sent, signal } = reports(() => {
      reportHealth();
      if (ending !== undefined) throw ending;
    });
    reportHealth = () => all.putHealth("a", news("healthy"));
    all.put(applied("a", { results: [WEB] }));

    await all.turn(signal).catch(() => {});
    await all.turn(signal);

    const said = sent.map(({ results, health }) => [results?.[0]?.action, health?.status]);
    const second = ending === undefined ? ["unchanged", "healthy"] : ["created", "healthy"];
    assert.deepEqual(said, [["created", undefined], second]);
  }
});

const FULL: Partial<StackReport> = {
  message: "m",
  results: [
    { ...WEB, action: "replaced", fields: ["/spec"] },
    { ...CONFIG, action: "kept" },
    { ...GONE, action: "failed", error: "no" },
  ],
  yielded: [{ path: "/a", manager: "m" }],
  warnings: ["w"],
};

for (const status of [413, 422]) {
  Deno.test(`a report that is answered with ${status} is sent once more as version 0.10.0 said it`, async () => {
    const { all, sent, said, signal } = reports(refusal(status));
    all.put(applied("a", FULL));
    all.putHealth("a", news("healthy"));

    await all.turn(signal);

    const [first, second] = sent;
    assert.deepEqual([all.pending, sent.length, said.length], [0, 2, 1]);
    assert.equal(second?.seq, first?.seq);
    assert.deepEqual(Object.keys(second ?? {}).filter((key) => ["health", "yielded", "warnings"].includes(key)), []);
    assert.deepEqual(JSON.parse(JSON.stringify(second?.results)), [
      { kind: "ConfigMap", namespace: "n", name: "old", action: "failed", error: "no" },
      { kind: "Deployment", namespace: "n", name: "web", action: "configured" },
      { kind: "ConfigMap", namespace: "n", name: "c", action: "unchanged" },
    ]);
  });
}

Deno.test("what is refused as too large is sent with as many results as version 0.10.0 sent", async () => {
  const { all, sent, signal } = reports(refusal(413), undefined, refusal(422));
  const results = Array.from({ length: 2_000 }, (_, index) => ({ ...CONFIG, name: `c${index}` }));
  for (const stack of ["a", "b"]) {
    all.put(applied(stack, { results }));
    await all.turn(signal);
  }

  assert.deepEqual(sent.map((event) => event.results?.length), [2_000, 500, 2_000, 2_000]);
});

Deno.test("a report that is refused in both shapes, or with another status, is dropped and logged", async () => {
  for (const endings of [[refusal(422), refusal(422)], [refusal(403)], [refusal(400)]]) {
    const { all, sent, said, signal } = reports(...endings);
    all.put(applied("a"));

    await all.turn(signal);

    assert.deepEqual([all.pending, sent.length], [0, endings.length]);
    assert.match(said.at(-1) ?? "", /dropped/);
  }
});

Deno.test("a report whose shorter shape meets no broker is kept, and sent in full again", async () => {
  const { all, sent, signal } = reports(refusal(422), DOWN);
  all.put(applied("a", FULL));

  await assert.rejects(all.turn(signal), DOWN);
  await all.turn(signal);

  assert.deepEqual([all.pending, sent.length], [0, 3]);
  assert.deepEqual(sent[2], sent[0]);
});
