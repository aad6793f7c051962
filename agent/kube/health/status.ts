import { isMapping } from "$lib/json.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { type HealthStatus, REASON_MAX } from "$lib/wire/event.ts";

/** How well one object works, and why not better; a reason has at most 255 characters. */
export interface ObjectHealth {
  readonly health: HealthStatus;
  readonly reason?: string;
}

/**
 * An object's fields as the judge reads them: what is missing or of a wrong type reads as absent, never as an error.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** One of an object's conditions; what it leaves out is empty. */
export interface Condition {
  readonly type: string;
  /** `True`, `False` or `Unknown`. */
  readonly status: string;
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

/** It does what it is there for. */
export const HEALTHY: ObjectHealth = { health: "healthy" };

/** On its way: nothing says yet that it will not get there. */
export function progressing(reason: string): ObjectHealth {
  return { health: "progressing", reason: bounded(reason) };
}

/** Out of order, and not known to mend itself. */
export function degraded(reason: string): ObjectHealth {
  return { health: "degraded", reason: bounded(reason) };
}

/** The reason cut to what a report may hold. */
function bounded(reason: string): string {
  return reason.length <= REASON_MAX ? reason : `${reason.slice(0, REASON_MAX - 1)}…`;
}

/** The value as fields; none where it is no object. */
export function fieldsOf(value: unknown): Fields {
  return isMapping(value) ? value : {};
}

/** The value's entries that are objects; none where it is no list. */
export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

/** The value where it is a finite number. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The value where it is a text; else an empty one. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** What the object is to be. */
export function specOf(object: KubernetesObject): Fields {
  return fieldsOf(object.spec);
}

/** What its controllers say of it. */
export function statusOf(object: KubernetesObject): Fields {
  return fieldsOf(object.status);
}

/** The condition of this type, if there is one. */
export function conditionOf(object: KubernetesObject, type: string): Condition | undefined {
  const found = listOf(statusOf(object).conditions).find((one) => one.type === type);
  return found && { type, status: textOf(found.status), reason: textOf(found.reason), message: textOf(found.message) };
}

/** The condition of this type, where it is `True`. */
export function trueCondition(object: KubernetesObject, type: string): Condition | undefined {
  const found = conditionOf(object, type);
  return found?.status === "True" ? found : undefined;
}

/** A condition in words: its reason, else its type. */
export function wordsOf({ type, status, reason }: Condition): string {
  if (reason !== "") return reason;
  return status === "True" ? type : `${type} is ${status || "unknown"}`;
}

/** The same with its message, which may be the only part of it that says what is wrong. */
export function sentenceOf(condition: Condition): string {
  return withMessage(wordsOf(condition), condition.message);
}

/** Words with what a message adds to them, on one line. */
export function withMessage(words: string, message: string): string {
  const line = message.slice(0, 2 * REASON_MAX).replaceAll(/\s+/g, " ").trim();
  return line === "" || line === words ? words : `${words}: ${line}`;
}
