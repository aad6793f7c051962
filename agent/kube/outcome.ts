import type { ObjectPlace } from "$lib/kubernetes.ts";
import type { ObjectResult, ReportReason, YieldedField } from "$lib/wire/event.ts";

/** How a turn at a stack can end, as metrics count it; a removal that worked is `applied`. */
export const TURN_RESULTS = ["applied", "unchanged", "failed", "blocked"] as const;
/** One of {@linkcode TURN_RESULTS}. */
export type TurnResult = (typeof TURN_RESULTS)[number];

/** What bringing a cluster to a stack's desired state came to. */
export interface Outcome {
  readonly result: TurnResult;
  /** What was done, object by object, deleted ones included; where a bundle is refused, the refused ones. */
  readonly results: readonly ObjectResult[];
  /** For people: what happened, every refusal named, at most 4 KiB. */
  readonly message: string;
  /** Why it failed or is blocked. */
  readonly reason?: ReportReason;
  /** The snapshot's revision that a person approves, where something waits for that. */
  readonly heldRevision?: number;
  /** Fields left to other managers. */
  readonly yielded: readonly YieldedField[];
  /** What the manifests say that is not delivered. */
  readonly warnings: readonly string[];
  /** How long the API server asks to be let alone with the stack. */
  readonly pauseMs?: number;
}

/** What a turn did. */
export interface Done {
  readonly results: readonly ObjectResult[];
  /** A removal that worked has changed the cluster, even when there was nothing left to delete. */
  readonly isRemoval?: boolean;
  readonly reason?: ReportReason;
  readonly heldRevision?: number;
  /** More lines for people. */
  readonly lines?: readonly string[];
  readonly yielded?: readonly YieldedField[];
  readonly warnings?: readonly string[];
}

/** Reasons for which a stack waits for something, and has not failed. */
const WAITING: ReadonlySet<ReportReason> = new Set([
  "namespace_not_empty",
  "going",
  "waiting",
  "wanted_elsewhere",
  "prune_held",
]);

/** What a turn came to. */
export function outcomeOf(done: Done): Outcome {
  const { results, reason, heldRevision, lines = [], yielded = [], warnings = [] } = done;
  return {
    result: resultOf(done),
    results,
    message: boundedMessage([...summary(results), ...results.flatMap(errorLine), ...lines].join("\n") || NOTHING),
    ...(reason === undefined ? {} : { reason }),
    ...(heldRevision === undefined ? {} : { heldRevision }),
    yielded,
    warnings,
  };
}

/** A turn that was given up before it wrote anything. */
export function failed(reason: ReportReason, lines: readonly string[]): Outcome {
  const nothing = { results: [], yielded: [], warnings: [] };
  return { result: "failed", reason, message: boundedMessage(lines.join("\n")), ...nothing };
}

/** Whether the object was written; one that is gone was not. */
export function isWritten({ action }: Pick<ObjectResult, "action">): boolean {
  return action === "created" || action === "configured" || action === "replaced";
}

/** An object in words, such as `ConfigMap "a" in namespace "shop"`. */
export function objectText({ kind, namespace, name }: Pick<ObjectResult, "kind" | "namespace" | "name">): string {
  return `${kind} "${name}"${namespace === undefined ? "" : ` in namespace "${namespace}"`}`;
}

/** A stack in words; the broker knows by these which stack is meant, and does not tell teams of others'. */
export function stackText(name: string): string {
  return `stack ${JSON.stringify(name)}`;
}

/** What is still being deleted, in words. */
export function goingLine({ resource: { kind }, namespace, name }: ObjectPlace): string {
  return `${objectText({ kind, namespace, name })} is still being deleted`;
}

function resultOf({ results, reason, isRemoval = false }: Done): TurnResult {
  if (reason !== undefined) return WAITING.has(reason) ? "blocked" : "failed";
  return !isRemoval && results.every(({ action }) => action === "unchanged") ? "unchanged" : "applied";
}

const NOTHING = "nothing to do";

/** A line such as "3 created, 1 unchanged". */
function summary(results: readonly ObjectResult[]): readonly string[] {
  const counts = Map.groupBy(results, ({ action }) => action);
  return counts.size === 0 ? [] : [[...counts].map(([action, these]) => `${these.length} ${action}`).join(", ")];
}

function errorLine(result: ObjectResult): readonly string[] {
  return result.error === undefined ? [] : [`${objectText(result)}: ${result.error}`];
}

/** Bytes of UTF-8 that a message to the broker may have. */
export const MESSAGE_MAX_BYTES = 4096;

/** The text cut to {@linkcode MESSAGE_MAX_BYTES}, at a character's end. */
export function boundedMessage(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MESSAGE_MAX_BYTES) return text;
  const mark = "…";
  const room = MESSAGE_MAX_BYTES - new TextEncoder().encode(mark).length;
  const cut = new TextDecoder().decode(bytes.subarray(0, room), { stream: true });
  return cut + mark;
}
