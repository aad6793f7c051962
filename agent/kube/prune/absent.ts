import type { ObjectResult } from "$lib/wire/event.ts";
import { allEnded } from "../all_ended.ts";
import type { Approval, NamespaceContents } from "./contents.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { objectName, objectNameOf } from "../desired.ts";
import { type Disposition, dispositionOf, type DispositionParts, pruneItemsOf } from "./disposition.ts";
import { approvalOf, noteInTheWay } from "./in_the_way.ts";
import { type Done, goingLine, objectText, stackText } from "../outcome.ts";
import { type Awaited, prune, type Pruned, type PruneItem } from "./prune.ts";
import type { PruneApproval, ReconcileRequest, StackIdentity, TurnParts } from "../reconcile.ts";
import type { TurnRecord } from "../records/turn_record.ts";

/** What taking out objects needs that a bundle, or a stack as a whole, wants no more. */
export interface AbsentParts extends TurnParts, Omit<DispositionParts, "wantedUids"> {
  readonly record: TurnRecord;
  /** What the bundle wants; none where the whole stack goes. */
  readonly wantedKeys: readonly string[];
  readonly request: { readonly stack: StackIdentity; readonly approval?: PruneApproval };
  /** Undefined where the whole stack goes, by a plan that the guard allowed. */
  readonly guard: ReconcileRequest["guard"] | undefined;
}

/** Takes out what the record has and the bundle wants no more, as far as that is allowed now. */
export async function pruneAbsent(parts: AbsentParts, signal: AbortSignal): Promise<Done & Pick<Pruned, "going">> {
  const { record, request } = parts;
  const sorted = await sortOut(parts, signal);
  const held = await heldRevision(parts, sorted.items, signal);
  const items = held === undefined ? sorted.items : sorted.items.filter(({ how }) => how !== "unwanted");
  const approval = approvalOf(record, request.approval);
  const pruned = await prune({ ...parts, approval }, items, signal);
  const { forgotten, inTheWay } = forgetUnseen(parts, sorted.unseen, approval);
  const ended = {
    ...pruned,
    results: [...pruned.results, ...forgotten],
    inTheWay: [...pruned.inTheWay, ...inTheWay],
  };
  const isUnlooked = ended.inTheWay.length === 0 && sorted.awaited.length + ended.awaited.length > 0;
  const blockedBefore = isUnlooked ? record.inTheWay?.revision : undefined;
  const blocked = blockedBefore ?? noteInTheWay(record, ended.inTheWay, request.approval);
  return { ...doneOf({ ...sorted, pruned: ended, held, blocked, blockedBefore }), going: pruned.going };
}

/** What nobody can see is forgotten by a person's word alone. */
function forgetUnseen(
  { record, acted }: AbsentParts,
  unseen: readonly string[],
  approval: Approval | undefined,
): { readonly forgotten: readonly ObjectResult[]; readonly inTheWay: readonly NamespaceContents[] } {
  const found = unseen.flatMap((key): [string, RecordedObject][] => {
    const recorded = record.get(key);
    return recorded === undefined ? [] : [[key, recorded]];
  });
  const isApproved = ([key, { uid = key }]: (typeof found)[number]) => approval?.uids.has(uid) === true;
  const forgotten = found.filter(isApproved).map(([key, recorded]): ObjectResult => {
    record.drop(key);
    acted("kept");
    return { ...objectNameOf(recorded), action: "kept" };
  });
  const inTheWay = found.filter((one) => !isApproved(one)).map(([key, { uid = key, ...recorded }]) => ({
    text: `${objectText(recorded)} stays in the record: no API "${recorded.group}" is registered any more, ` +
      "and whatever server had it may have it still",
    uids: [uid],
    isKept: false,
  }));
  return { forgotten, inTheWay };
}

interface Sorted {
  readonly items: readonly PruneItem[];
  /** What waits for other stacks, in words. */
  readonly awaited: readonly string[];
  /** The keys of what nobody can see, and may be there still. */
  readonly unseen: readonly string[];
}

async function sortOut(parts: AbsentParts, signal: AbortSignal): Promise<Sorted> {
  const { record } = parts;
  const wanted = new Set(parts.wantedKeys);
  const wantedUids = new Set([...wanted].flatMap((key) => record.get(key)?.uid ?? []));
  const absent = record.entries().filter(([key]) => !wanted.has(key));
  const found = withoutTwins(
    await allEnded(
      absent,
      async (entry) => [entry[0], await dispositionOf({ ...parts, wantedUids }, entry, signal)] as const,
    ),
  );
  for (const [key, { is }] of found) if (is === "gone" || is === "handed over") record.drop(key);
  return {
    items: found.flatMap(([, one]) => pruneItemsOf(one)),
    unseen: found.flatMap(([key, { is }]) => is === "unseen" ? [key] : []),
    awaited: found.flatMap(([key, one]) => {
      if (one.is === "remembered") return [rememberedLine(record.get(key), one.by)];
      return one.is === "awaited" ? [awaitedLine(one)] : [];
    }),
  };
}

/** An object that the record has under two groups goes, and is counted, once. */
function withoutTwins(
  found: readonly (readonly [key: string, one: Disposition])[],
): readonly (readonly [key: string, one: Disposition])[] {
  const uids = new Set<string>();
  return found.map(([key, one]) => {
    const [item] = pruneItemsOf(one);
    const uid = item?.member.meta.uid;
    if (uid === undefined) return [key, one];
    if (uids.has(uid)) return [key, { is: "gone" }];
    uids.add(uid);
    return [key, one];
  });
}

function awaitedLine({ member: { place }, by, isChanged = false }: Awaited): string {
  const name = objectText(objectName(place));
  if (isChanged) return `${name} changed while it was to go, and is looked at anew`;
  return by === undefined
    ? `${name} stays until it is known what every stack wants`
    : `${name} stays until ${stackText(by)} has taken it over`;
}

function rememberedLine(recorded: RecordedObject | undefined, by: string | undefined): string {
  const name = recorded === undefined ? "an object" : objectText(recorded);
  const until = by === undefined ? "it is known what every stack wants" : `${stackText(by)} knows that`;
  return `${name} was applied once, which is kept until ${until}`;
}

/** The revision at which deleting is held until a person approves; undefined where it is allowed. */
async function heldRevision(
  { guard, record, wantedKeys, request: { stack } }: AbsentParts,
  items: readonly PruneItem[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const keys = items.filter(({ how }) => how === "unwanted").map(({ member }) => member.key);
  if (guard === undefined) {
    record.markHeld(new Set());
    return undefined;
  }
  const question = { stackId: stack.id, stackName: stack.name, keys, wantedKeys, total: record.had };
  const answer = await guard.ask(question, signal);
  record.markHeld(answer.isAllowed ? new Set() : new Set(keys));
  return answer.isAllowed ? undefined : answer.revision;
}

interface Ends extends Sorted {
  readonly pruned: Pruned;
  readonly held: number | undefined;
  readonly blocked: number | undefined;
  /** The revision at which something was in the way that this turn did not come to look for: it is as it was. */
  readonly blockedBefore: number | undefined;
}

function doneOf({ pruned, held, blocked, blockedBefore, items, ...sorted }: Ends): Done {
  const { results, inTheWay, untried } = pruned;
  const awaited = [...sorted.awaited, ...pruned.awaited.map(awaitedLine)];
  const lines = [
    ...items.flatMap(({ member: { place }, why }) =>
      why === undefined ? [] : [`${objectText(objectName(place))} is kept: ${why}`]
    ),
    ...inTheWay.map(({ text }) => text),
    ...approvableLine(inTheWay, blocked),
    ...awaited,
    ...(untried === 0 ? [] : pruned.going.map(({ place }) => goingLine(place))),
  ];
  if (results.some(({ action }) => action === "failed")) return { results, lines, reason: "prune_failed" };
  if (held !== undefined) {
    return { results, lines: [heldLine(held), ...lines], reason: "prune_held", heldRevision: held };
  }
  if (inTheWay.length > 0 || blockedBefore !== undefined) {
    const heldRevision = hasApprovable(inTheWay) || blockedBefore !== undefined ? blocked : undefined;
    return { results, lines, reason: "namespace_not_empty", heldRevision };
  }
  if (untried > 0) return { results, lines, reason: "going" };
  return awaited.length > 0 ? { results, lines, reason: "waiting" } : { results, lines };
}

/** How a person ends it; what nobody can see, nobody approves, nor what is kept. */
function approvableLine(inTheWay: Pruned["inTheWay"], revision = 0): readonly string[] {
  const isAll = hasApprovable(inTheWay) && !inTheWay.some(({ isKept }) => isKept);
  return isAll && revision > 0 ? [`all of it goes once that is approved for this stack at revision ${revision}`] : [];
}

function hasApprovable(inTheWay: Pruned["inTheWay"]): boolean {
  return inTheWay.some(({ uids }) => uids.length > 0);
}

function heldLine(revision: number): string {
  return `the deletion is held at revision ${revision}: more would vanish than goes without approval`;
}
