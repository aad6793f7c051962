import type { Approval, NamespaceContents } from "./contents.ts";
import type { PruneApproval } from "../reconcile.ts";
import type { TurnRecord } from "../records/turn_record.ts";

/** What a person saw in the way and approved to go; what appeared since is not covered. */
export function approvalOf(record: TurnRecord, approval: PruneApproval | undefined): Approval | undefined {
  const { inTheWay } = record;
  if (inTheWay === undefined || inTheWay.revision !== approval?.approved) return undefined;
  return { uids: new Set(inTheWay.uids) };
}

/**
 * Remembers what is in the way now, so that an approval is of just that.
 *
 * @returns The revision that a person approves: it stays while nothing new is in the way.
 */
export function noteInTheWay(
  record: TurnRecord,
  contents: readonly NamespaceContents[],
  approval: PruneApproval | undefined,
): number | undefined {
  if (contents.length === 0) {
    record.setInTheWay(undefined);
    return undefined;
  }
  const uids = contents.flatMap((one) => one.uids);
  const known = new Set(record.inTheWay?.uids);
  const isKnown = record.inTheWay !== undefined && uids.every((uid) => known.has(uid));
  const revision = isKnown ? record.inTheWay.revision : approval?.revision ?? 0;
  const approved = approvalOf(record, approval)?.uids ?? []; // what is new is to be approved, and this stays so
  record.setInTheWay({ revision, uids: [...new Set([...approved, ...uids])] });
  return revision;
}
