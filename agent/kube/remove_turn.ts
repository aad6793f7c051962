import { type AbsentParts, pruneAbsent } from "./prune/absent.ts";
import { waitUntilGone } from "./prune/gone.ts";
import { type Done, failed, goingLine, type Outcome, outcomeOf } from "./outcome.ts";
import { lookAgain } from "./prune/reappeared.ts";
import type { RemovalRequest, TurnParts } from "./reconcile.ts";
import { recordedMembers } from "./records/recorded_members.ts";
import { asStack } from "./stack_doors.ts";
import { TurnRecord } from "./records/turn_record.ts";

/**
 * Takes out everything that a stack's record has, waits until it is gone, looks for it once more, and takes the parent
 * away last: as long as something is left, the inventory knows of it. A stack without a parent is removed already.
 */
export async function removeTurn(shared: TurnParts, request: RemovalRequest, signal: AbortSignal): Promise<Outcome> {
  const { stack } = request;
  const before = await shared.records.find(stack.id, signal);
  if (before === undefined) return outcomeOf({ results: [] }); // nothing is done: it is no removal that anybody counts
  if (before.unreadable !== undefined) return failed("list_failed", [before.unreadable]);
  const turn = asStack(shared, stack, before);
  const record = new TurnRecord(turn.records, stack, before);
  const set = await turn.records.setOf(stack.id);
  const members = await recordedMembers(turn, { set, record, legacy: before.legacy }, signal);
  if (members.failures.length > 0) return failed("list_failed", members.failures);
  const parts = { ...turn, set, record, members, wantedKeys: [], request, guard: undefined };
  const entries = record.entries();
  const taken = await takeOut(parts, signal);
  if (taken.reason !== undefined) return outcomeOf({ ...taken, isRemoval: true });
  const again = await lookAgain(parts, entries, signal);
  const results = [...taken.results, ...again.results];
  const lines = [...taken.lines ?? [], ...again.lines ?? []];
  if (again.reason === undefined) await turn.records.remove(stack.id, signal);
  return outcomeOf({ ...taken, ...again, results, lines, isRemoval: true });
}

/**
 * What is left stands in the record; where nothing is, the record goes with the parent, and is not written once more.
 */
async function takeOut(parts: AbsentParts, signal: AbortSignal): Promise<Done> {
  const { record } = parts;
  let isOut = false;
  try {
    const { going, ...done } = await pruneAbsent(parts, signal);
    if (done.reason !== undefined) return done;
    const left = await waitUntilGone(parts, going, signal);
    isOut = left.length === 0;
    return isOut ? done : { ...done, reason: "going", lines: left.map(({ place }) => goingLine(place)) };
  } finally {
    if (!isOut && signal.aborted) await record.save().catch(() => {});
    else if (!isOut) await record.save(signal);
  }
}
