import { isFailure } from "$lib/error.ts";
import { isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Claims } from "../../plan/claims.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { type Desired, errorText } from "../desired.ts";
import { otherKeeper, OWNER_ID, PART_OF, type SetIdentity, STACK } from "../names.ts";
import type { OtherSets } from "../records/other_sets.ts";
import { toolOf } from "./other_tools.ts";

/** What an object that is there, and not listed as this stack's, means to the stack that wants it. */
export type Ownership =
  /** Ours to write: this stack's, whatever became of its label, or of a set that is no more. */
  | { readonly is: "ours" }
  /** Ours to write, too: another stack of this agent has it, and wants it no more. */
  | { readonly is: "handed over"; readonly from: string }
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
  /** The door with the rights of another stack, which has an object; undefined where those are this one's, too. */
  readonly doorOfHolder: (stackId: string) => Kubernetes | undefined;
}

/** An object that is there. */
export interface UnlistedObject {
  readonly desired: Desired;
  readonly live: KubernetesObject;
  /** What the stack's record says of it: of an object whose marks are gone, that alone tells that it is ours. */
  readonly recorded: RecordedObject | undefined;
}

/** Whose a live object is. */
export async function ownershipOf(
  { set, otherSets, claims }: OwnershipParts,
  { desired, live, recorded }: UnlistedObject,
  signal: AbortSignal,
): Promise<Ownership> {
  const { uid, labels, annotations } = live.metadata;
  const partOf = labels?.[PART_OF];
  const isOfAgent = annotations?.[OWNER_ID] === set.agentId;
  const stackId = isOfAgent ? annotations[STACK] : undefined;
  if (partOf === set.id || stackId === set.stackId) return { is: "ours" };
  const keeper = otherKeeper(desired.groupKind, live.metadata, set.agentId);
  if (keeper !== undefined) return { is: "foreign", holder: `agent "${keeper}", whose record it is` };
  if (partOf !== undefined && stackId !== undefined) return handedOver({ claims }, { key: desired.key, stackId });
  if (partOf !== undefined && annotations?.[OWNER_ID] !== undefined) {
    const holder = await otherSets.holderOf(live.metadata, signal);
    return holder === undefined ? { is: "ours" } : { is: "foreign", holder };
  }
  const tool = desired.policies.adopt === "own" ? undefined : toolOf(live.metadata);
  if (tool !== undefined) return { is: "foreign", holder: tool };
  return recorded?.uid !== undefined && recorded.uid === uid ? { is: "ours" } : { is: "unowned" };
}

/**
 * Why an object can't be taken from the stack that has it, and wants it no more: by whose word it came must be allowed
 * to change it, too, not only by whose word it goes on. Undefined where nothing speaks against it.
 */
export async function whyKept(
  { doorOfHolder }: Pick<OwnershipParts, "doorOfHolder">,
  { desired: { place, object }, from }: { readonly desired: Desired; readonly from: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const door = doorOfHolder(from);
  if (door === undefined) return undefined;
  try {
    await door.apply(place, object, { dryRun: true, signal });
  } catch (error) {
    if (isRefused(error, 403)) return `the stack that has it may not let it go: ${errorText(error)}`;
    if (!isFailure(error, "kubernetes_rejected")) throw error;
  }
  return undefined;
}

/** A stack that no plan names any more, or that wants the object no more, hands it over. */
function handedOver(
  { claims }: Pick<OwnershipParts, "claims">,
  { key, stackId }: { readonly key: string; readonly stackId: string },
): Ownership {
  const holder = claims.stack(stackId);
  if (holder === undefined || claims.isWanted(key, holder) === "no") return { is: "handed over", from: stackId };
  return { is: "wanted", by: holder.name };
}
