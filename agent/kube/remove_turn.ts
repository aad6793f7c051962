import { pruneAbsent } from "./absent.ts";
import { waitUntilGone } from "./gone.ts";
import { failed, goingLine, type Outcome, outcomeOf } from "./outcome.ts";
import type { RemovalRequest, TurnParts } from "./reconcile.ts";
import { recordedMembers } from "./recorded_members.ts";
import { asStack } from "./stack_doors.ts";
import { TurnRecord } from "./turn_record.ts";

/**
 * Takes out everything that a stack's record has, waits until it is gone, and takes the parent away last: as long as
 * something is left, the inventory knows of it. A stack without a parent is removed already.
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
  try {
    const parts = { ...turn, set, record, members, wantedKeys: [], request, guard: undefined };
    const { going, ...done } = await pruneAbsent(parts, signal);
    const left = done.reason === undefined ? await waitUntilGone({ ...turn, set }, going, signal) : [];
    if (done.reason !== undefined) return outcomeOf({ ...done, isRemoval: true });
    if (left.length > 0) {
      return outcomeOf({ ...done, isRemoval: true, reason: "going", lines: left.map(({ place }) => goingLine(place)) });
    }
    await turn.records.remove(stack.id, signal);
    record.removed();
    return outcomeOf({ ...done, isRemoval: true });
  } finally {
    if (signal.aborted) await record.save().catch(() => {});
    else await record.save(signal);
  }
}
