import assert from "node:assert/strict";
import { SpanKind } from "@opentelemetry/api";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { ReceivedSpan } from "../../tests/fakes/otlp_spans.ts";
import { recordedTracing } from "../../tests/fakes/recorded_spans.ts";
import type { Outcome } from "../kube/outcome.ts";
import type { ApplyWork, RemoveWork, TurnContext } from "../plan/plan.ts";
import type { StackRecord } from "../plan/record.ts";
import { SPANS_MAX } from "./turn_span.ts";
import type { StackTurnEnd } from "./turn.ts";
import { TurnTraces } from "./turn_traces.ts";

const IDS = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"] as const;
const SPAN = IDS.join("-");
const JOIN_WITHIN_MS = 3_600_000;
const FIRST: TurnContext = {
  ...{ revision: 1, isResync: false, compareAll: false, isDrift: false, failures: 0 },
  stepAside: (wait) => wait(),
};
const REMOVE: RemoveWork = { kind: "remove", stack: { id: "s", name: "web" }, byPerson: true };

/** The work of an object that was submitted so long ago in this trace. */
function apply(flags: string, { agoMs = 0, nowMs = Date.UTC(2026, 0, 1) } = {}): ApplyWork {
  return {
    kind: "apply",
    stack: { id: "s", name: "web", generatorId: "g" },
    object: { id: "o", checksum: "c", sequenceId: 1 },
    policy: { suspended: false, drift: "repair" },
    ...{ mayPrune: true, mayReplace: true },
    ...(flags === "" ? {} : {
      asked: { traceparent: `00-${SPAN}-${flags}`, at: new Date(nowMs - agoMs).toISOString() },
    }),
  };
}

/** An agent that samples so much of what is nobody's trace, with this record of stack `s`. */
function tracesWith(
  { ratio = 1, record = {} }: { readonly ratio?: number; readonly record?: Partial<StackRecord> } = {},
) {
  const clock = new ManualClock();
  const { tracing, spans } = recordedTracing({ clock, ratio });
  const nothing = {
    id: "s",
    name: "web",
    deploymentObjectId: undefined,
    deploymentChecksum: undefined,
    wanted: undefined,
  };
  const known = { ...nothing, objects: [], ...record };
  const traces = new TurnTraces({
    ...{ tracing, clock, agentId: "a", joinWithinMs: JOIN_WITHIN_MS },
    records: { knownOf: (id) => id === "s" ? known : undefined },
  });
  const turn = (
    work: ApplyWork | RemoveWork,
    { context = FIRST, end = {}, writes = 0 }: Partial<Turning> = {},
  ): Promise<StackTurnEnd> =>
    traces.run(work, context, async () => {
      for (let count = 0; count < writes; count += 1) await write(tracing, clock);
      return ended(end);
    });
  return { traces, tracing, clock, spans, turn };
}

interface Turning {
  readonly context: TurnContext;
  readonly end: Partial<Outcome>;
  readonly writes: number;
}

function ended({ result = "applied", reason }: Partial<Outcome>): StackTurnEnd {
  return { isSettled: result === "applied", result, reason, state: result === "failed" ? "failed" : "applied" };
}

async function write(tracing: Tracing, clock: ManualClock): Promise<void> {
  const options = { kind: SpanKind.CLIENT, attributes: { "brokkr.object.name": "c" } };
  const span = tracing.current()?.beginBy(() => ["PATCH /x", options]);
  await clock.advance(10);
  span?.end();
}

/** What a span is in a trace. */
function placeOf({ traceId, parentId, links, name }: ReceivedSpan) {
  const parent = parentId === IDS[1] ? "the submission" : parentId === "" ? undefined : "a turn";
  return { name, isJoined: traceId === IDS[0], parent, links: links.map((link) => link === SPAN) };
}

const JOINED = { name: "apply stack", isJoined: true, parent: "the submission", links: [] };
const LINKED = { name: "apply stack", isJoined: false, parent: undefined, links: [true] };

Deno.test("the turn that first applies an object is part of its submission's trace, and says what it was and came to", async () => {
  const { turn, spans, clock } = tracesWith();

  const { trace } = await turn(apply("01", { agoMs: JOIN_WITHIN_MS }), { writes: 1 });

  const [child, span] = await spans();
  assert.ok(child && span);
  assert.deepEqual(placeOf(span), JOINED);
  assert.deepEqual(span.attributes, {
    "brokkr.agent.id": "a",
    "brokkr.stack.id": "s",
    "brokkr.stack.name": "web",
    "brokkr.deployment_object.id": "o",
    "brokkr.turn.cause": "submission",
    "brokkr.turn.result": "applied",
  });
  assert.deepEqual([span.kind, span.status, child.kind, child.parentId], ["internal", "unset", "client", span.spanId]);
  assert.equal(span.endNanoseconds - span.startNanoseconds, 10_000_000n);
  assert.equal(span.startNanoseconds, BigInt(clock.now() - 10) * 1_000_000n);
  assert.deepEqual([trace?.traceId, trace?.spanId, trace?.traceFlags], [span.traceId, span.spanId, 1]);
});

Deno.test("any other turn is a trace of its own that names the submission", async () => {
  const others: Readonly<Record<string, () => Promise<readonly ReceivedSpan[]>>> = {
    "of what was not sampled": () => spansOf(apply("00")),
    "long after": () => spansOf(apply("01", { agoMs: JOIN_WITHIN_MS + 1 })),
    "drift": () => spansOf(apply("01"), { context: { ...FIRST, isDrift: true } }),
    "resync": () => spansOf(apply("01"), { context: { ...FIRST, isResync: true } }),
    "retry": () => spansOf(apply("01"), { context: { ...FIRST, failures: 1 } }),
    "retry of an earlier start": () => spansOf(apply("01"), {}, { wanted: { deploymentObjectId: "o", keys: [] } }),
    "change": () => spansOf(apply("01"), {}, { deploymentObjectId: "o" }),
  };

  for (const [why, spans] of Object.entries(others)) {
    const [span, ...more] = await spans();
    assert.ok(span);
    assert.deepEqual([placeOf(span), more], [LINKED, []], why);
  }
  const [[untraced], [removal]] = [await spansOf(apply("")), await spansOf(REMOVE)];
  assert.ok(untraced && removal);
  assert.deepEqual([placeOf(untraced).links, placeOf(removal)], [[], { ...LINKED, name: "remove stack", links: [] }]);
});

Deno.test("the turn that first removes a stack is part of the trace of who asked for that, and any later one names it", async () => {
  const asked = (flags: string, agoMs = 0): RemoveWork => ({ ...REMOVE, asked: apply(flags, { agoMs }).asked });

  const [first] = await spansOf(asked("01", JOIN_WITHIN_MS));
  const others = [
    await spansOf(asked("00")),
    await spansOf(asked("01", JOIN_WITHIN_MS + 1)),
    await spansOf(asked("01"), { context: { ...FIRST, isResync: true } }),
    await spansOf(asked("01"), { context: { ...FIRST, failures: 1 } }),
  ];

  assert.ok(first);
  assert.deepEqual(placeOf(first), { ...JOINED, name: "remove stack" });
  for (const [span] of others) assert.deepEqual(span && placeOf(span), { ...LINKED, name: "remove stack" });
});

async function spansOf(
  work: ApplyWork | RemoveWork,
  turning: Partial<Turning> = {},
  record: Partial<StackRecord> = {},
): Promise<readonly ReceivedSpan[]> {
  const { turn, spans } = tracesWith({ record });
  await turn(work, turning);
  return await spans();
}

Deno.test("a turn that is not sampled is exported when it fails: first, when the reason is another, then once an hour", async () => {
  const { turn, spans, clock } = tracesWith({ ratio: 0 });
  const retry = { ...FIRST, failures: 1 };
  const failing = async (reason: Outcome["reason"]) => {
    const { trace } = await turn(apply("01"), { context: retry, end: { result: "failed", reason }, writes: 2 });
    return trace !== undefined;
  };
  const exported: boolean[] = [];

  assert.equal((await turn(apply("00"), { writes: 1 })).trace, undefined);
  for (const reason of ["apply_failed", "apply_failed", "refused", "refused"] as const) {
    exported.push(await failing(reason));
  }
  await clock.advance(3_600_000);
  exported.push(await failing("refused"), await failing("refused"));
  await turn(apply("01"), { context: retry });
  exported.push(await failing("refused"));

  assert.deepEqual(exported, [true, false, true, false, true, false, true]);
  const all = await spans();
  const roots = all.filter(({ parentId }) => parentId === "");
  assert.deepEqual(roots.map(placeOf), Array(4).fill(LINKED));
  assert.deepEqual(
    roots.map(({ attributes, status }) => [attributes["error.type"], attributes["brokkr.turn.reason"], status]),
    ["apply_failed", "refused", "refused", "refused"].map((reason) => [reason, reason, "error"]),
  );
  assert.equal(all.length, 12);
  const lasted = roots.map(({ startNanoseconds, endNanoseconds }) => endNanoseconds - startNanoseconds);
  assert.deepEqual(lasted, Array(4).fill(20_000_000n));
  const [first, second] = all.filter(({ parentId }) => parentId === roots[0]?.spanId);
  assert.deepEqual(first?.attributes, { "brokkr.object.name": "c" });
  assert.deepEqual([first?.startNanoseconds, second?.endNanoseconds], [
    roots[0]?.startNanoseconds,
    roots[0]?.endNanoseconds,
  ]);
});

Deno.test("a failure that was sampled is not exported again for being the same", async () => {
  const { tracing, clock, spans } = recordedFor();
  const traces = new TurnTraces({
    ...{ tracing, clock, agentId: "a", joinWithinMs: JOIN_WITHIN_MS },
    records: { knownOf: () => undefined },
  });
  const fail = (context: TurnContext) =>
    traces.run(apply("01"), context, () => Promise.resolve(ended({ result: "failed", reason: "apply_failed" })));

  const sampled = await fail(FIRST);
  const again = await fail({ ...FIRST, failures: 1 });

  assert.deepEqual([sampled.trace?.traceId, again.trace], [IDS[0], undefined]);
  assert.equal((await spans()).length, 1);
});

function recordedFor() {
  const clock = new ManualClock();
  return { clock, ...recordedTracing({ clock, ratio: 0 }) };
}

for (const ratio of [1, 0]) {
  Deno.test(`a turn has ${SPANS_MAX} spans at most, further writes are one together; at ratio ${ratio}`, async () => {
    const { turn, spans } = tracesWith({ ratio });

    await turn(apply("00"), { writes: 1_000, end: { result: "failed", reason: "apply_failed" } });

    const all = await spans();
    const further = all.find(({ name }) => name.startsWith("writes"));
    assert.equal(all.length, SPANS_MAX);
    assert.deepEqual([further?.name, further?.kind], [`writes (${1_000 - SPANS_MAX + 2} more)`, "client"]);
    assert.equal(Number((further?.endNanoseconds ?? 0n) - (further?.startNanoseconds ?? 0n)) / 1e6, 7_460);
    assert.deepEqual(further?.attributes, { "brokkr.writes.count": 746, "brokkr.writes.failed": 0 });
  });
}

Deno.test("a wait is a span of the turn, and no write, and left out of one that has all spans it may have", async () => {
  const { traces, tracing, clock, spans } = tracesWith();
  const wait = () => tracing.current()?.begin("wait until gone").end();

  await traces.run(apply("00"), FIRST, async () => {
    wait();
    for (let count = 0; count < SPANS_MAX; count += 1) await write(tracing, clock);
    wait();
    return ended({});
  });

  const all = await spans();
  assert.equal(all.length, SPANS_MAX);
  assert.equal(all.filter(({ name }) => name === "wait until gone").length, 1);
  assert.equal(all.find(({ name }) => name.startsWith("writes"))?.attributes["brokkr.writes.count"], 3);
});

Deno.test("a turn that is given up ends its span without a result", async () => {
  const { traces, spans } = tracesWith();

  await assert.rejects(traces.run(apply("01"), FIRST, () => Promise.reject(new DOMException("", "AbortError"))));

  const [span] = await spans();
  assert.deepEqual([span?.status, span?.attributes["brokkr.turn.result"]], ["unset", undefined]);
});

Deno.test("nothing is noted, nor any record looked at, where tracing is off", async () => {
  const traces = new TurnTraces({
    ...{ tracing: disabledTracing(), clock: new ManualClock(), agentId: "a", joinWithinMs: JOIN_WITHIN_MS },
    records: { knownOf: () => assert.fail("a record is looked at") },
  });
  const seen: unknown[] = [];
  const failed = ended({ result: "failed", reason: "apply_failed" });

  const end = await traces.run(apply("01"), FIRST, (sampled) => {
    seen.push(sampled);
    return Promise.resolve(failed);
  });

  assert.deepEqual([seen, end], [[undefined], failed]);
});

Deno.test("nothing is noted of a stack that only waits", async () => {
  const { traces, tracing, spans } = tracesWith();
  const seen: unknown[] = [];

  await traces.run({ kind: "wait", stack: REMOVE.stack, reason: "suspended" }, FIRST, (trace) => {
    seen.push(trace, tracing.current());
    return Promise.resolve(ended({}));
  });

  assert.deepEqual([seen, await spans()], [[undefined, undefined], []]);
});
