import { Failure, messageOf } from "$lib/error.ts";
import type { ObjectMeta } from "$lib/kubernetes.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { allEnded } from "../all_ended.ts";
import type { AbsentParts } from "./absent.ts";
import { dispositionOf, findRecorded, pruneItemsOf } from "./disposition.ts";
import { objectName } from "../desired.ts";
import type { Member } from "../records/members.ts";
import { OWNER_ID, STACK } from "../names.ts";
import { type Done, objectText } from "../outcome.ts";
import { prune, type PruneItem } from "./prune.ts";

/**
 * Milliseconds after a removal until a controller has made anew what it makes, if its last write raced with our delete.
 */
export const LOOK_AGAIN_MS = 3_000;

/**
 * Looks once more for each object of a stack that was taken out: what a controller made again goes too, where it
 * carries our marks, as a copy does; anything else of the name is nobody's business, and named. Comes before the parent
 * goes, and writes no record: whoever is stopped in between finds everything gone, and looks then.
 */
export async function lookAgain(
  parts: AbsentParts,
  taken: readonly (readonly [key: string, object: RecordedObject])[],
  signal: AbortSignal,
): Promise<Done> {
  if (taken.length === 0) return { results: [] };
  try {
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
    return await look(parts, taken, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
    const line = `Cannot look once more for what was removed: ${messageOf(error)}`;
    return { results: [], reason: "prune_failed", lines: [line] }; // what was done before is said all the same
  }
}

async function look(
  parts: AbsentParts,
  taken: readonly (readonly [key: string, object: RecordedObject])[],
  signal: AbortSignal,
): Promise<Done> {
  const found = (await allEnded(taken, (entry) => reappeared(parts, entry, signal))).flat();
  const items = found.flatMap(({ item }) => item ?? []);
  const { results } = await prune({ ...parts, approval: undefined }, items, signal);
  const isFailed = results.some(({ action }) => action === "failed");
  return { results, lines: found.map(lineOf), ...(isFailed ? { reason: "prune_failed" } : {}) };
}

interface Reappeared {
  readonly member: Member;
  /** Undefined for what is left alone. */
  readonly item: PruneItem | undefined;
}

/** What was kept or released is there as it was; what another stack has by now did not come back to this one. */
async function reappeared(
  parts: AbsentParts,
  [key, recorded]: readonly [string, RecordedObject],
  signal: AbortSignal,
): Promise<readonly Reappeared[]> {
  const member = await findRecorded(parts, recorded, signal);
  if (typeof member !== "object" || member.meta.uid === recorded.uid) return [];
  const { uid: _, ...named } = recorded;
  const unlisted = {
    ...parts,
    members: { byKey: new Map(), failures: [], away: new Set<string>() },
    wantedUids: new Set<string>(),
  };
  const one = await dispositionOf(unlisted, [key, named], signal);
  const [item] = pruneItemsOf(one);
  if (item !== undefined) return [{ member: item.member, item }];
  const isOurs = recorded.uid !== undefined && one.is === "gone" && isOfNobodyHere(member.meta, parts);
  return isOurs ? [{ member, item: undefined }] : [];
}

function isOfNobodyHere({ annotations, deletionTimestamp }: ObjectMeta, { set }: AbsentParts): boolean {
  const isOfAgent = annotations?.[OWNER_ID] === set.agentId && annotations[STACK] !== undefined;
  return !isOfAgent && deletionTimestamp === undefined;
}

function lineOf({ member: { place }, item }: Reappeared): string {
  const what = item === undefined
    ? "without our marks, and is left alone"
    : item.how === "unwanted"
    ? "with our marks, and is deleted again"
    : "with our marks, which are taken away";
  return `${objectText(objectName(place))} reappeared ${what}`;
}
