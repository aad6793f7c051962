import assert from "node:assert/strict";
import type { Log } from "$lib/log.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import type { Work } from "./plan.ts";
import type { Outcome, ReconcileRequest } from "./reconcile.ts";
import type { StackReport } from "./report.ts";
import { SAYS_APPLYING_AFTER_MS, StackTurns } from "./turn.ts";

const STACK = { id: "s", name: "web" };
const APPLY: Work = { kind: "apply", stack: STACK, object: { id: "o", checksum: "c" }, mayPrune: true };
const REMOVE: Work = { kind: "remove", stack: STACK };
const DONE: Outcome = {
  result: "applied",
  results: [{ kind: "ConfigMap", name: "c", action: "created" }],
  message: "1 created",
  driftRepaired: 0,
  managedObjects: 1,
};

/** Turns whose cluster work takes `seconds` and comes to `outcome`. */
function turning(outcome: Partial<Outcome> = {}, seconds = 0) {
  const clock = new ManualClock();
  const reports: StackReport[] = [];
  const lines: string[] = [];
  const asked: (ReconcileRequest | string)[] = [];
  const say = (level: string) => (message: string) => lines.push(`${level} ${message}`);
  const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const end = async () => {
    await clock.advance(seconds * 1_000);
    return { ...DONE, ...outcome };
  };
  const turns = new StackTurns({
    clock,
    log,
    broker: { fetchBundle: ({ id, checksum }) => Promise.resolve(`bundle of ${id} ${checksum}`) },
    reconciler: {
      reconcileStack: (request) => {
        asked.push(request);
        return end();
      },
      removeStack: ({ id }) => {
        asked.push(`remove ${id}`);
        return end();
      },
    },
    reports: { put: (report) => reports.push(report) },
  });
  async function turn(work: Work): Promise<void> {
    turns.ended(work, await turns.perform(work, signal), undefined);
  }
  const signal = new AbortController().signal;
  return { turns, turn, clock, reports, lines, asked, signal };
}

Deno.test("a turn applies the object, fetching its bundle when it is asked for, and reports it", async () => {
  const { turn, reports, asked, signal } = turning();

  await turn(APPLY);

  const [request] = asked;
  assert.ok(typeof request === "object");
  assert.deepEqual([request.stack, request.mayPrune], [STACK, true]);
  assert.equal(await request.object.load(signal), "bundle of o c");
  assert.deepEqual(reports, [{
    stackId: "s",
    objectId: "o",
    state: "applied",
    reason: undefined,
    message: "1 created",
    revision: undefined,
    results: DONE.results,
    attempts: undefined,
    nextRetryAtMs: undefined,
  }]);
});

Deno.test("a turn removes a stack, and reports it removed without an object", async () => {
  const { turn, reports, asked } = turning();

  await turn(REMOVE);

  assert.deepEqual(asked, ["remove s"]);
  assert.deepEqual(reports.map(({ state, objectId }) => [state, objectId]), [["removed", undefined]]);
});

for (const result of ["failed", "blocked"] as const) {
  for (const work of [APPLY, REMOVE]) {
    Deno.test(`a turn to ${work.kind} that is ${result} is reported so, and is not settled`, async () => {
      const { turns, reports, signal } = turning({ result, reason: "refused", message: "why" });

      const end = await turns.perform(work, signal);
      turns.ended(work, end, { attempts: 3, atMs: 17 });

      assert.equal(end.isSettled, false);
      const [{ state, reason, message, attempts, nextRetryAtMs } = { state: undefined }] = reports;
      assert.deepEqual([state, reason, message, attempts, nextRetryAtMs], [result, "refused", "why", 3, 17]);
    });
  }
}

Deno.test("a turn that waits for approval is settled, and is reported with the revision, in the message too", async () => {
  const { turns, turn, reports, asked, signal } = turning();
  const work: Work = { kind: "wait", stack: STACK, reason: "prune_held", revision: 12 };

  await turn(work);

  const { isSettled } = await turns.perform(work, signal);
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
