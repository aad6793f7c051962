import assert from "node:assert/strict";
import type { SpanContext } from "@opentelemetry/api";
import type { Log, LogFields } from "$lib/log.ts";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { type Outcome, TURN_RESULTS } from "../kube/outcome.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { TurnContext, Work } from "../plan/plan.ts";
import type { ReconcileRequest } from "../kube/reconcile.ts";
import type { StackReport } from "../loops/report.ts";
import { SAYS_APPLYING_AFTER_MS, type StackTurnEnd, StackTurns } from "./turn.ts";
import { objectCounter, TurnMeter } from "./turn_meter.ts";

const STACK = { id: "s", name: "web" };
const APPLY: Work = {
  kind: "apply",
  stack: { ...STACK, generatorId: "g" },
  object: { id: "o", checksum: "c", sequenceId: 1 },
  policy: { suspended: false, drift: "repair" },
  mayPrune: true,
  mayReplace: true,
};
const CONTEXT: TurnContext = {
  ...{ revision: 1, isResync: false, compareAll: false, isDrift: false, failures: 0 },
  stepAside: (wait) => wait(),
};
const TURN_SPAN: SpanContext = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  traceFlags: 1,
};
const HELD: Work = { kind: "wait", stack: STACK, reason: "prune_held", revision: 12 };
const REMOVE: Work = { kind: "remove", stack: STACK, byPerson: true };
const DONE: Outcome = {
  result: "applied",
  results: [{ kind: "ConfigMap", name: "c", action: "created" }],
  message: "1 created",
  yielded: [],
  warnings: [],
};

/** Turns whose cluster work takes `seconds` and comes to `outcome`, and which are exported as this span. */
function turning(outcome: Partial<Outcome> & { readonly isKnown?: boolean } = {}, seconds = 0, trace?: SpanContext) {
  const { isKnown = true, ...different } = outcome;
  const clock = new ManualClock();
  const reports: StackReport[] = [];
  const ends: StackTurnEnd[] = [];
  const lines: string[] = [];
  const asked: (ReconcileRequest | string)[] = [];
  const logged: unknown[] = [];
  const say = (level: string) => (message: string, fields?: LogFields) => {
    lines.push(`${level} ${message}`);
    logged.push(fields?.trace_id);
  };
  const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const end = async () => {
    await clock.advance(seconds * 1_000);
    return { ...DONE, ...different };
  };
  const registry = createRegistry({ clock, log });
  const metrics = registry.register(AGENT_METRICS);
  const turns = new StackTurns({
    meter: new TurnMeter(metrics),
    traces: {
      run: async (_work, _context, perform) => {
        const end = await perform(trace);
        ends.push(end);
        return { ...end, trace };
      },
    },
    sweep: () => undefined,
    guard: { ask: () => Promise.resolve({ isAllowed: true }) },
    clock,
    log,
    broker: { fetchBundle: ({ id, checksum }) => Promise.resolve(`bundle of ${id} ${checksum}`) },
    reconciler: {
      reconcileStack: (request) => {
        asked.push(request);
        return end();
      },
      learn: async ({ stack: { id }, object, defaultNamespace }) => {
        asked.push(`learn ${id} in ${defaultNamespace}: ${await object.load(signal)}`);
        return isKnown;
      },
      removeStack: ({ stack: { id }, approval }) => {
        asked.push(`remove ${id} at ${approval?.revision}`);
        return end();
      },
    },
    reports: { put: (report) => reports.push(report) },
  });
  async function turn(work: Work): Promise<void> {
    const startMs = clock.monotonic();
    const end = await turns.perform(work, CONTEXT, signal);
    turns.ended(work, end, { seconds: (clock.monotonic() - startMs) / 1_000, retry: undefined });
  }
  /** The page's samples whose names begin so, those of labels that are 0 left out. */
  async function samples(prefix: string): Promise<readonly string[]> {
    const page = await registry.page?.("text") ?? "";
    return page.split("\n").filter((line) => line.startsWith(prefix) && !/\} 0$/.test(line));
  }
  const signal = new AbortController().signal;
  return { turns, turn, clock, reports, ends, lines, logged, asked, signal, samples, metrics };
}

Deno.test("a turn applies the object, fetching its bundle when it is asked for, and reports it", async () => {
  const { turn, reports, asked, signal } = turning();

  await turn(APPLY);

  const [request] = asked;
  assert.ok(typeof request === "object");
  assert.deepEqual([request.stack.id, request.mayPrune], [STACK.id, true]);
  assert.equal(await request.object.load(signal), "bundle of o c");
  assert.deepEqual(reports, [{
    stackId: "s",
    objectId: "o",
    state: "applied",
    reason: undefined,
    message: "1 created",
    revision: undefined,
    results: DONE.results,
    yielded: [],
    warnings: [],
    trace: undefined,
    attempts: undefined,
    nextRetryAtMs: undefined,
  }]);
});

Deno.test("a turn is reported with the span that was exported, also while it is under way", async () => {
  const { turn, reports, logged } = turning({}, SAYS_APPLYING_AFTER_MS / 1_000 + 1, TURN_SPAN);

  await turn(APPLY);

  assert.deepEqual(reports.map(({ state, trace }) => [state, trace]), [["applying", TURN_SPAN], [
    "applied",
    TURN_SPAN,
  ]]);
  assert.deepEqual(logged, [TURN_SPAN.traceId]);
});

Deno.test("a turn that meets a bug is the failure of a turn to its trace, too", async () => {
  const { turns, ends, signal } = turning({}, 0, TURN_SPAN);
  const bug = { ...APPLY, object: undefined } as unknown as Work;

  await turns.perform(bug, CONTEXT, signal);

  assert.deepEqual(ends.map(({ result, reason }) => [result, reason]), [["failed", "internal"]]);
});

Deno.test("a turn removes a stack, and reports it removed without an object", async () => {
  const { turn, reports, asked } = turning();

  await turn(REMOVE);

  assert.deepEqual(asked, ["remove s at 1"]);
  assert.deepEqual(reports.map(({ state, objectId }) => [state, objectId]), [["removed", undefined]]);
});

for (const result of ["failed", "blocked"] as const) {
  for (const work of [APPLY, REMOVE]) {
    Deno.test(`a turn to ${work.kind} that is ${result} is reported so, and is not settled`, async () => {
      const { turns, reports, signal } = turning({ result, reason: "refused", message: "why" });

      const end = await turns.perform(work, CONTEXT, signal);
      turns.ended(work, end, { seconds: 0, retry: { attempts: 3, atMs: 17 } });

      assert.equal(end.isSettled, false);
      const [{ state, reason, message, attempts, nextRetryAtMs } = { state: undefined }] = reports;
      assert.deepEqual([state, reason, message, attempts, nextRetryAtMs], [result, "refused", "why", 3, 17]);
    });
  }
}

Deno.test("a turn that waits for approval is settled, and is reported with the revision, in the message too", async () => {
  const { turns, turn, reports, asked, signal } = turning();

  await turn(HELD);

  const { isSettled } = await turns.perform(HELD, CONTEXT, signal);
  assert.equal(isSettled, true);
  assert.deepEqual(asked, []);
  assert.deepEqual([reports[0]?.state, reports[0]?.reason, reports[0]?.revision], ["blocked", "prune_held", 12]);
  assert.match(reports[0]?.message ?? "", /\b12\b/);
});

Deno.test("a turn on an epoch hold is reported as blocked without a revision", async () => {
  const { turn, reports } = turning();

  await turn({ kind: "wait", stack: STACK, reason: "epoch_hold" });

  assert.deepEqual([reports[0]?.state, reports[0]?.reason, reports[0]?.revision], ["blocked", "epoch_hold", undefined]);
});

Deno.test("a turn that lasts says that it is applying, until its end", async () => {
  const { turn, reports, clock } = turning({}, 2);

  await turn(APPLY);

  assert.deepEqual(reports.map(({ state }) => state), ["applying", "applied"]);
  assert.equal(clock.pending, 0);
});

Deno.test("a turn that is over soon, or repeats what is applied, does not say that it is applying", async () => {
  const soon = turning({}, SAYS_APPLYING_AFTER_MS / 1_000 / 2);
  await soon.turn(APPLY);
  await soon.clock.advance(60_000);
  const repeated = turning({}, 2);
  await repeated.turn(APPLY);

  await repeated.turn(APPLY);

  assert.deepEqual(soon.reports.map(({ state }) => state), ["applied"]);
  assert.deepEqual(repeated.reports.map(({ state }) => state), ["applying", "applied", "applied"]);
});

Deno.test("a turn that changed nothing is not worth a line", async () => {
  const { turn, lines } = turning({ result: "unchanged" });

  await turn(APPLY);

  assert.deepEqual(lines, ["debug stack unchanged"]);
});

Deno.test("endOf() makes a bug a failure that is tried again", () => {
  const { turns } = turning();

  const { isSettled, state, message } = turns.endOf(new Error("a bug"));

  assert.deepEqual([isSettled, state, message], [false, "failed", "a bug"]);
});

for (const result of TURN_RESULTS) {
  Deno.test(`a turn that is ${result} is counted and timed so, once`, async () => {
    const { turn, samples } = turning({ result, results: [] }, 2);

    await turn(APPLY);

    assert.deepEqual(await samples("brokkr_agent_reconciliations_total"), [
      `brokkr_agent_reconciliations_total{result="${result}"} 1`,
    ]);
    const duration = await samples(`brokkr_agent_reconcile_duration_seconds_sum`);
    assert.deepEqual(duration, [`brokkr_agent_reconcile_duration_seconds_sum{result="${result}"} 2`]);
  });
}

Deno.test("a turn that waits for a person counts as blocked, each time, and is not timed", async () => {
  const { turn, samples } = turning();

  for (let times = 0; times < 2; times += 1) await turn(HELD);

  assert.deepEqual(await samples("brokkr_agent_reconciliations_total"), [
    'brokkr_agent_reconciliations_total{result="blocked"} 2',
  ]);
  assert.deepEqual(await samples("brokkr_agent_reconcile_duration_seconds_count"), []);
});

Deno.test("objectCounter() counts objects by what was done, and those that were put right", async () => {
  const { samples, metrics } = turning();
  const acted = objectCounter(metrics);

  for (const action of ["created", "configured", "unchanged", "deleted", "failed"] as const) acted(action);
  acted("configured", { isRepair: true });

  assert.deepEqual(await samples("brokkr_agent_objects_total"), [
    'brokkr_agent_objects_total{action="created"} 1',
    'brokkr_agent_objects_total{action="configured"} 2',
    'brokkr_agent_objects_total{action="unchanged"} 1',
    'brokkr_agent_objects_total{action="deleted"} 1',
    'brokkr_agent_objects_total{action="failed"} 1',
  ]);
  assert.deepEqual(await samples("brokkr_agent_drift_repaired_total"), ["brokkr_agent_drift_repaired_total 1"]);
});

Deno.test("a turn that is given up midway counts nothing", async () => {
  const { turns, turn, samples } = turning({ results: [] });
  await turn(APPLY);
  const stop = new AbortController();
  stop.abort();

  await turns.perform(APPLY, CONTEXT, stop.signal).catch(() => {});

  assert.deepEqual(await samples("brokkr_agent_reconciliations_total"), [
    'brokkr_agent_reconciliations_total{result="applied"} 1',
  ]);
});

Deno.test("a turn passes on the stack's policy, what was approved, and whether to compare all", async () => {
  const { turns, asked, signal } = turning();
  const policy = { suspended: false, drift: "report", defaultNamespace: "shop" } as const;

  await turns.perform({ ...APPLY, policy, approvedRevision: 4 }, { ...CONTEXT, compareAll: true, revision: 6 }, signal);

  const [request] = asked;
  assert.ok(typeof request === "object");
  const { drift, defaultNamespace, compareAll, approval } = request;
  assert.deepEqual({ drift, defaultNamespace, compareAll, approval }, {
    drift: "report",
    defaultNamespace: "shop",
    compareAll: true,
    approval: { revision: 6, approved: 4 },
  });
});

Deno.test("a turn that failed by a bug counts as failed", async () => {
  const { turns, samples } = turning();

  turns.ended(APPLY, turns.endOf(new Error("a bug")), { seconds: 0.2, retry: undefined });

  assert.deepEqual(await samples("brokkr_agent_reconciliations_total"), [
    'brokkr_agent_reconciliations_total{result="failed"} 1',
  ]);
});

const SUSPENDED = {
  kind: "wait",
  stack: STACK,
  reason: "suspended",
  object: { id: "o", checksum: "c", sequenceId: 1 },
  defaultNamespace: "shop",
} as const;

Deno.test("a turn of a suspended stack is reported as blocked with the object that waits, and only learns what it wants", async () => {
  const { turn, reports, asked } = turning();

  await turn(SUSPENDED);
  await turn({ kind: "wait", stack: STACK, reason: "suspended" });

  const said = reports.map(({ state, reason, objectId }) => [state, reason, objectId]);
  assert.deepEqual(said, [["blocked", "suspended", "o"], ["blocked", "suspended", undefined]]);
  assert.deepEqual(asked, ["learn s in shop: bundle of o c"]);
});

Deno.test("a turn of a suspended stack is to be tried again until it is known what that wants", async () => {
  const settled = await Promise.all([true, false].map(async (isKnown) => {
    const { turns, signal } = turning({ isKnown });
    return (await turns.perform(SUSPENDED, CONTEXT, signal)).isSettled;
  }));

  assert.deepEqual(settled, [true, false]);
});
