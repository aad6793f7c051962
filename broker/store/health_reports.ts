import type { Sql } from "$lib/database.ts";
import { afterReport, isApproved, isHeld, type Report, type ReportOutcome } from "../domain/delivery.ts";
import { eventOf, isGoneAlready } from "../domain/report.ts";
import { findHeard, type Heard, type Move, packed, writeDeliveries } from "./heard_reports.ts";

/** What a report came to, and the version of the delivery's row after it. */
export interface Written extends ReportOutcome {
  readonly version?: string | undefined;
}

/**
 * Takes reports that leave no event and change nothing that an agent is shown, at most one of each agent: one look, and
 * one write that takes the place of a transaction, for it holds only where nobody has written in between. All others,
 * and what somebody holds, are left to who waits for them.
 */
export async function takeHealth(sql: Sql, reports: readonly Report[]): Promise<ReadonlyMap<string, Written>> {
  const quiet = (await findHeard(sql, reports)).flatMap((heard) => quietMoveOf(heard) ?? []);
  const versions = new Map(quiet.map(({ report: { agentId }, version }) => [agentId, version]));
  const written = await writeDeliveries(sql, await packed(quiet), { versions });
  return new Map(quiet.flatMap(({ report: { agentId }, before, after }): [string, Written][] => {
    const version = written.get(agentId);
    return version === undefined ? [] : [[agentId, { change: { before, after, isNotified: false }, version }]];
  }));
}

function quietMoveOf(heard: Heard): (Move & { readonly version: string }) | undefined {
  const { report, delivery: before, version, isOvertaken, now } = heard;
  if (before === undefined || version === undefined || isOvertaken || !isAbout(heard, before.stackId)) return undefined;
  if (isGoneAlready(report, before) || eventOf(report, before) !== undefined) return undefined;
  const after = afterReport(before, report, now);
  const isShown = after.state !== before.state || isApproved(after) !== isApproved(before) || isHeld(before);
  return after === before || isShown ? undefined : { report, before, after, version };
}

/** Whether both that it names are there, and of one another. */
function isAbout({ report: { objectId, stackId }, objectStackId }: Heard, ofDelivery: string): boolean {
  if (objectId !== undefined && objectStackId !== ofDelivery) return false;
  return stackId === undefined || stackId === ofDelivery;
}
