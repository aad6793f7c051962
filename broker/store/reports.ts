import type { Sql, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import { afterReport, isApproved, isHeld, type Report, type ReportOutcome } from "../domain/delivery.ts";
import { observeChange, type ObserveDelivery } from "../domain/delivery_times.ts";
import { eventOf, isGoneAlready, mayBeOnlyHealth } from "../domain/report.ts";
import { InOrder } from "../in_order.ts";
import { addEvents, type EventByAgent, findEvents, findSameEvents, isNumbered, type NewEvent } from "./agent_events.ts";
import { lockAgents } from "./changes.ts";
import { type DeliveredObject, traceDeliveryWait } from "./delivery_spans.ts";
import { Gathered } from "./gathered.ts";
import type { Handle } from "./handle.ts";
import { takeHealth, type Written } from "./health_reports.ts";
import { findHeard, type Heard, noteReports, packed, writeDeliveries } from "./heard_reports.ts";
import { agentNotFound, objectNotFound } from "./missing.ts";
import type { DeliveryStore } from "./mod.ts";
import { noteRepeats, type Repeat, RepeatedReports } from "./repeated_reports.ts";
import { endApprovals } from "./settling.ts";

/** What a report came to, or why it is refused. */
type Taken = Written | Failure;
/** By the agent that reports: nothing of one that another transaction holds. */
type TakenByAgent = ReadonlyMap<string, Taken>;

/**
 * Reports of {@linkcode DeliveryStore}. Those that arrive together go in one transaction, one of each agent; what is
 * wrong with one is no matter of the others. Those of agents that are held by another transaction wait for it together,
 * and the rest does not wait for them.
 *
 * What comes each minute goes shorter ways: the same again, and health alone.
 */
export function reportStore(handle: Handle, observe: ObserveDelivery): Pick<DeliveryStore, "report"> {
  const { sql, transaction, tracing, whenLasting } = handle;
  const repeated = new RepeatedReports();

  function committed(reports: readonly Report[], taken: TakenByAgent): void {
    observeTaken(handle, taken, observe);
    for (const report of reports) {
      const one = taken.get(report.agentId);
      if (one !== undefined && !(one instanceof Failure)) repeated.keep(report, one, one.version);
    }
  }

  const repeats = new Gathered<Repeat, boolean>(async (all) => {
    const versions = await noteRepeats(sql, all);
    for (const repeat of all) repeated.renew(repeat, versions.get(repeat.report.agentId));
    return all.map(({ report: { agentId } }) => versions.has(agentId));
  }, tracing);
  const gathered = (take: (reports: readonly Report[]) => Promise<TakenByAgent>) =>
    new Gathered<Report, Taken | undefined>(async (reports) => {
      const taken = await take(reports);
      return reports.map(({ agentId }) => taken.get(agentId));
    }, tracing);
  const whole = (isPatient: boolean) =>
    gathered((all) => transaction((tx) => takeReports(tx, all, { isPatient }), (taken) => committed(all, taken)));
  const [free, held] = [whole(false), whole(true)];
  const health = gathered(async (all) => {
    const taken = await takeHealth(sql, all);
    whenLasting(() => committed(all, taken));
    return taken;
  });

  async function take(report: Report): Promise<Taken> {
    const repeat = repeated.find(report);
    if (repeat !== undefined && await repeats.call(repeat)) return {};
    const quiet = mayBeOnlyHealth(report) ? await health.call(report) : undefined;
    return quiet ?? await free.call(report) ?? await held.call(report) ?? agentNotFound(report.agentId);
  }

  const order = new InOrder();
  return {
    report: (report) =>
      order.run(report.agentId, async () => {
        const taken = await take(report);
        if (taken instanceof Failure) throw taken;
        const { version: _version, ...outcome } = taken;
        return { event: undefined, ...outcome };
      }),
  };
}

function observeTaken(
  { notices, tracing }: Pick<Handle, "notices" | "tracing">,
  taken: TakenByAgent,
  observe: ObserveDelivery,
): void {
  const changes = [...taken.values()].flatMap((one) => one instanceof Failure ? [] : one.change ?? []);
  for (const change of changes) {
    observeChange(change, observe);
    if (isDeliveredBy(change)) traceDeliveryWait(tracing, deliveredBy(change));
  }
  const notified = changes.filter(({ isNotified }) => isNotified).map(({ after }) => after.agentId);
  if (notified.length > 0) notices.agentsChanged(notified);
}

/**
 * Statements that need no answer of one another are sent together: the database runs them one after the other.
 *
 * @param options.isPatient Waits for agents that another transaction holds.
 */
async function takeReports(
  tx: Transaction,
  reports: readonly Report[],
  { isPatient }: { readonly isPatient: boolean },
): Promise<TakenByAgent> {
  const [locked, all] = await Promise.all([
    lockAgents(tx, reports.map(({ agentId }) => agentId), { isPatient }),
    findHeard(tx, reports),
  ]);
  const held = new Set(locked);
  const heard = all.filter(({ report }) => held.has(report.agentId));
  const strangers = await findStrangers(tx, heard);
  const refusals = new Map(heard.map((one) => [one.report.agentId, refusalOf(one, strangers)]));
  const accepted = heard.filter(({ report }) => refusals.get(report.agentId) === undefined);
  const { added, known } = await keepEvents(tx, accepted);
  const isNews = (one: Heard) => !isGone(one) && (newEventOf(one) === undefined || added.has(one.report.agentId));
  const changes = await changeDeliveries(tx, accepted.filter(isNews));
  return new Map(heard.map(({ report: { agentId } }): readonly [string, Taken] => {
    const event = added.get(agentId) ?? known.get(agentId);
    return [agentId, refusals.get(agentId) ?? { event, ...changes.get(agentId) }];
  }));
}

function isGone({ report, delivery }: Heard): boolean {
  return isGoneAlready(report, delivery);
}

function refusalOf(heard: Heard, strangers: ReadonlySet<string>): Failure | undefined {
  const { report: { agentId, objectId, stackId }, objectStackId, delivery } = heard;
  if (objectId !== undefined && objectStackId === undefined) {
    return stackId !== undefined && isGone(heard) ? undefined : objectNotFound(objectId);
  }
  if (objectId !== undefined && stackId !== undefined && stackId !== objectStackId) {
    const message = `Cannot take the report: object "${objectId}" is not of stack "${stackId}"`;
    return new Failure("stack_id_mismatch", message);
  }
  if (isGone(heard)) return undefined;
  if (strangers.has(agentId)) {
    const message = `Cannot take the report: agent "${agentId}" has nothing to do with stack "${stackOf(heard)}"`;
    return new Failure("agent_not_associated", message);
  }
  return objectId === undefined && delivery === undefined ? objectNotFound("of the stack's delivery") : undefined;
}

function stackOf({ report: { stackId }, objectStackId }: Heard): string | undefined {
  return objectStackId ?? stackId;
}

/** The agents that have no delivery of what they report on, nor are associated with it. */
async function findStrangers(tx: Sql, heard: readonly Heard[]): Promise<ReadonlySet<string>> {
  const doubtful = heard.filter(({ delivery }) => delivery === undefined);
  if (doubtful.length === 0) return new Set();
  const rows = await tx<{ agent_id: string }>`
    select said.agent_id
    from unnest(
      ${doubtful.map(({ report }) => report.agentId)}::uuid[], ${doubtful.map((one) => stackOf(one) ?? null)}::uuid[]
    ) as said (agent_id, stack_id)
    where not exists (
      select from associations where associations.agent_id = said.agent_id and associations.stack_id = said.stack_id)`;
  return new Set(rows.map(({ agent_id }) => agent_id));
}

function newEventOf(heard: Heard): NewEvent | undefined {
  const { report, delivery } = heard;
  const objectId = report.objectId ?? delivery?.desiredObjectId;
  const kind = isGone(heard) ? undefined : eventOf(report, delivery);
  return kind === undefined || objectId === undefined ? undefined : { report, objectId, ...kind };
}

/** What is in the history of reports: `added` are those that say something now, `known` those that were said before. */
async function keepEvents(
  tx: Sql,
  heard: readonly Heard[],
): Promise<Readonly<Record<"added" | "known", EventByAgent>>> {
  const events = heard.flatMap((one) => newEventOf(one) ?? []);
  const same = await findSameEvents(tx, events.filter(({ report }) => !isNumbered(report)));
  const added = await addEvents(tx, events.filter(({ report }) => !same.has(report.agentId)));
  const said = new Map([...same, ...added]);
  const silent = heard.filter(({ report }) => !said.has(report.agentId));
  const repeated = silent.filter((one) => isGone(one) || newEventOf(one) !== undefined);
  return { added: said, known: await findEvents(tx, repeated.map(({ report }) => report)) };
}

type Change = NonNullable<ReportOutcome["change"]>;

/** Whether a report told that the agent knows an object of which no poll was seen. */
function isDeliveredBy({ before, after }: Change): boolean {
  return before.deliveredAt === undefined && after.deliveredAt !== undefined;
}

/** Of what is to go, the trace is that of its removal. */
function deliveredBy({ after: { agentId, stackId, desiredObjectId: objectId, ...after } }: Change): DeliveredObject {
  const { state, desiredAt, deliveredAt = desiredAt } = after;
  const traceparent = state === "terminating" || state === "removed" ? undefined : after.traceparent;
  return {
    agentId,
    stackId,
    objectId,
    traceparent,
    desiredMs: desiredAt.getTime(),
    deliveredMs: deliveredAt.getTime(),
  };
}

/** Only an end of the removal, of its being held or of an approval can change what an agent's snapshot says. */
async function changeDeliveries(
  tx: Transaction,
  heard: readonly Heard[],
): Promise<ReadonlyMap<string, Pick<Written, "change" | "version">>> {
  const moves = heard.flatMap(({ report, delivery: before, isOvertaken, now }) =>
    before === undefined || isOvertaken ? [] : [{ report, before, after: afterReport(before, report, now) }]
  );
  const changed = moves.filter(({ before, after }) => after !== before);
  const ended = changed.filter(({ before, after }) => before.state !== "removed" && after.state === "removed");
  const shown = changed.filter((one) => ended.includes(one) || isApproved(one.before) !== isApproved(one.after));
  const mayEnd = changed.filter((one) => ended.includes(one) || isHeld(one.before));
  const written = await packed(changed);
  const [versions, , , approvals] = await Promise.all([
    writeDeliveries(tx, written),
    noteReports(tx, moves.filter(({ before, after }) => after === before)),
    raiseRevisions(tx, shown.map(({ report }) => report.agentId)),
    mayEnd.length === 0 ? [] : endApprovals(tx, mayEnd.map(({ report }) => report.agentId)),
  ]);
  const notified = new Set([...shown.map(({ report }) => report.agentId), ...approvals]);
  return new Map(changed.map(({ report: { agentId }, before, after }) => [
    agentId,
    { change: { before, after, isNotified: notified.has(agentId) }, version: versions.get(agentId) },
  ]));
}

async function raiseRevisions(tx: Sql, agentIds: readonly string[]): Promise<void> {
  if (agentIds.length === 0) return;
  await tx`update agents set revision = revision + 1 where id = any(${agentIds})`;
}
