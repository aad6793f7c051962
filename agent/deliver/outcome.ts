import type { ObjectPlace } from "$lib/kubernetes.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { objectName } from "../kube/desired.ts";
import type { Pruned } from "../kube/prune.ts";
import { boundedMessage } from "./message.ts";
import type { TurnResult } from "../metrics.ts";

/** Why a turn did not bring what it should: one word for people who filter by it. */
export type Reason =
  | "invalid_bundle"
  | "refused"
  | "apply_failed"
  | "list_failed"
  | "prune_failed"
  | "broker_rejected"
  | "kubernetes_rejected"
  | "unavailable"
  | "in_the_way"
  | "going";

/** What bringing a cluster to a stack's desired state came to. */
export interface Outcome {
  /** As metrics count it: a removal that worked is `applied`. */
  readonly result: TurnResult;
  /** What was done, object by object, deleted ones included; where a bundle is refused, the refused ones. */
  readonly results: readonly ObjectResult[];
  /** For people: what happened, every refusal named, at most 4 KiB. */
  readonly message: string;
  /** Why it failed or is blocked. */
  readonly reason?: Reason;
  /** Objects in the stack's set after this; undefined when that could not be found out. */
  readonly managedObjects: number | undefined;
}

/** What a turn did. */
export interface Done {
  readonly unchanged: readonly ObjectPlace[];
  /** Results of what was written. */
  readonly applied: readonly ObjectResult[];
  /** A removal that worked has changed the cluster, even when there was nothing left to delete. */
  readonly isRemoval?: boolean;
  readonly pruned?: Pruned;
  readonly reason?: Reason;
  /** More lines for people. */
  readonly lines?: readonly string[];
  readonly managedObjects?: number;
}

/** A turn that was given up before it wrote anything. */
export function failed(
  reason: Reason,
  lines: readonly string[],
  { results = [] }: { readonly results?: readonly ObjectResult[] } = {},
): Outcome {
  const message = boundedMessage([...lines, ...results.flatMap(errorLine)].join("\n"));
  return { result: "failed", reason, results, message, managedObjects: undefined };
}

/** What a turn that went as far as writing came to. */
export function outcomeOf(done: Done): Outcome {
  const { unchanged, applied, pruned, lines = [], managedObjects } = done;
  const results = [
    ...unchanged.map((place): ObjectResult => ({ ...objectName(place), action: "unchanged" })),
    ...applied,
    ...pruned?.results ?? [],
  ];
  const reason = reasonOf(done);
  const inTheWay = pruned?.inTheWay ?? [];
  const going = reason === "going" ? pruned?.going.map(({ place }) => goingLine(place)) ?? [] : [];
  return {
    result: resultOf(results, { ...done, reason }),
    results,
    message: boundedMessage(
      [summary(results), ...results.flatMap(errorLine), ...inTheWay, ...going, ...lines].join("\n"),
    ),
    ...(reason === undefined ? {} : { reason }),
    managedObjects,
  };
}

function reasonOf({ reason, pruned }: Done): Reason | undefined {
  if (pruned?.results.some(({ action }) => action === "failed")) return "prune_failed";
  if (pruned !== undefined && pruned.inTheWay.length > 0) return "in_the_way";
  if (pruned !== undefined && pruned.untried.length > 0) return "going";
  return reason;
}

function resultOf(results: readonly ObjectResult[], { reason, isRemoval = false }: Done): TurnResult {
  if (reason === "in_the_way" || reason === "going") return "blocked";
  if (reason !== undefined) return "failed";
  return !isRemoval && results.every(({ action }) => action === "unchanged") ? "unchanged" : "applied";
}

/** Such as "3 created, 1 unchanged". */
function summary(results: readonly ObjectResult[]): string {
  const counts = Map.groupBy(results, ({ action }) => action);
  const words = [...counts].map(([action, these]) => `${these.length} ${action}`);
  return words.length === 0 ? "nothing to do" : words.join(", ");
}

function goingLine({ resource, name }: ObjectPlace): string {
  return `${resource.kind} "${name}" is still being deleted`;
}

function errorLine({ kind, namespace, name, error }: ObjectResult): readonly string[] {
  if (error === undefined) return [];
  return [`${kind} "${name}"${namespace === undefined ? "" : ` in namespace "${namespace}"`}: ${error}`];
}
