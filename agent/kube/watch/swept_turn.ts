import type { ObjectResult } from "$lib/wire/event.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { objectNameOf } from "../desired.ts";
import { agreesWithSwept } from "../records/agreement.ts";
import type { MemberMeta } from "../records/member_meta.ts";
import { groupKindText, objectKey, type SetIdentity } from "../names.ts";
import type { Sweep } from "./sweep.ts";
import type { TurnRecord } from "../records/turn_record.ts";

/** A turn that asked for nothing of its own. */
export interface SweptTurn {
  readonly results: readonly ObjectResult[];
  /** Why kinds whose servers do not answer could not be looked at: what there is of them is taken to be as it was. */
  readonly unseen: readonly string[];
}

/**
 * What a turn of a resync comes to where one look at the whole cluster shows each recorded object as it was compared
 * last: all unchanged, without a bundle or a request of its own. Undefined where a real turn is needed.
 */
export async function sweptTurn(
  sweep: Sweep,
  { set, record }: { readonly set: SetIdentity; readonly record: TurnRecord },
  signal: AbortSignal,
): Promise<SweptTurn | undefined> {
  const unseen: string[] = [];
  const recorded = record.entries().map(([, object]) => object);
  const byKind = Map.groupBy(recorded, groupKindText);
  for (const objects of byKind.values()) {
    const [first] = objects;
    if (first === undefined) continue;
    const { members, failure, isAway } = await sweep.list(first, signal);
    if (failure !== undefined && isAway === true) unseen.push(failure);
    else if (failure !== undefined || !allAgree(objects, members.get(set.id) ?? [])) return undefined;
  }
  return { results: untouched(record), unseen };
}

/** What a turn comes to that leaves every recorded object as it is. */
export function untouched(record: TurnRecord): readonly ObjectResult[] {
  return record.entries().map(([, object]) => ({ ...objectNameOf(object), action: "unchanged" }));
}

function allAgree(objects: readonly RecordedObject[], members: readonly MemberMeta[]): boolean {
  const byKey = new Map(members.map((member) => [member.key, member]));
  return objects.every((object) => {
    const member = byKey.get(objectKey(object, object));
    return isLeftToItself(object) || (member !== undefined && agreesWithSwept(object, member));
  });
}

/** What is applied once, or only made, is not looked at again. */
function isLeftToItself({ policies }: RecordedObject): boolean {
  return policies?.apply !== undefined;
}
