import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { Claims } from "../plan/claims.ts";
import type { RecordedObject } from "../plan/record.ts";
import type { Desired } from "./desired.ts";
import { OWNER_ID, PART_OF, type SetIdentity, STACK } from "./names.ts";
import type { OtherSets } from "./other_sets.ts";
import { toolOf } from "./other_tools.ts";

/** What an object that is there, and not listed as this stack's, means to the stack that wants it. */
export type Ownership =
  /** Ours to write: this stack's, whatever became of its label, or one that another stack of this agent hands over. */
  | { readonly is: "ours" }
  /** It was there before us, and nobody marks it. */
  | { readonly is: "unowned" }
  /** Another stack of this agent has it and wants it, or nobody knows yet whether it does: that stack's name. */
  | { readonly is: "wanted"; readonly by: string }
  /** Somebody else's. */
  | { readonly is: "foreign"; readonly holder: string };

/** What telling whose an object is needs. */
export interface OwnershipParts {
  readonly set: SetIdentity;
  readonly otherSets: OtherSets;
  readonly claims: Claims;
}

/** An object that is there. */
export interface Stranger {
  readonly desired: Desired;
  readonly live: KubernetesObject;
  /** What the stack's record says of it: of an object whose marks are gone, that alone tells that it is ours. */
  readonly recorded: RecordedObject | undefined;
}

/** Whose a live object is. */
export async function ownershipOf(
  { set, otherSets, claims }: OwnershipParts,
  { desired, live, recorded }: Stranger,
  signal: AbortSignal,
): Promise<Ownership> {
  const { uid, labels, annotations } = live.metadata;
  const partOf = labels?.[PART_OF];
  const isOfAgent = annotations?.[OWNER_ID] === set.agentId;
  const stackId = isOfAgent ? annotations[STACK] : undefined;
  if (partOf === set.id || stackId === set.stackId) return { is: "ours" };
  if (partOf !== undefined && stackId !== undefined) return handedOver({ claims }, { key: desired.key, stackId });
  if (partOf !== undefined) {
    const holder = await otherSets.holderOf(live.metadata, signal);
    return holder === undefined ? { is: "ours" } : { is: "foreign", holder };
  }
  const tool = desired.policies.adopt === "own" ? undefined : toolOf(live.metadata);
  if (tool !== undefined) return { is: "foreign", holder: tool };
  return recorded?.uid !== undefined && recorded.uid === uid ? { is: "ours" } : { is: "unowned" };
}

/** A stack that no plan names any more, or that wants the object no more, hands it over. */
function handedOver(
  { claims }: Pick<OwnershipParts, "claims">,
  { key, stackId }: { readonly key: string; readonly stackId: string },
): Ownership {
  const holder = claims.stack(stackId);
  if (holder === undefined || claims.isWanted(key, holder) === "no") return { is: "ours" };
  return { is: "wanted", by: holder.name };
}
