import { Failure, isFailure } from "$lib/error.ts";
import type { HttpAnswer } from "./exchange.ts";

const MISFIT =
  /^failed to (create typed|convert new|convert patched|prune fields)|^request to convert CR to an invalid group\/version/;

/** What the API server says of a request that it does not do. */
export interface Refusal {
  readonly status: number;
  /** The API server's reason word, such as `Conflict`; empty when the answer names none. */
  readonly reason: string;
  readonly message: string;
  /** How long the API server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** The refusal that an answer of status 400 or above holds. */
export function refusalOf({ status, headers, text }: HttpAnswer): Refusal {
  const { reason, message } = statusOf(text);
  const seconds = Number(headers["retry-after"]);
  return {
    status,
    reason: reason ?? "",
    message: message ?? `the API server answered with status ${status}`,
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
  };
}

/**
 * Whether the same request may go well a moment later: too many requests, or a fault on the server's side. The API server
 * answers 500, too, when an apply does not fit the object's schema, or a version in its managed fields: that stays as it is.
 */
export function isPassing({ status, message }: Refusal): boolean {
  return status === 429 || (status >= 500 && !MISFIT.test(message));
}

/** The failure that a refusal comes to, once it is not tried again. */
export function refused(what: string, refusal: Refusal): Failure {
  const { status, reason, message } = refusal;
  const code = isPassing(refusal) ? "kubernetes_unavailable" : "kubernetes_rejected";
  return new Failure(code, `Cannot ${what}: ${message}`, { details: { status, reason, message } });
}

/** Whether the API server refused a request with one of these HTTP statuses. */
export function isRefused(error: unknown, ...statuses: readonly number[]): error is Failure {
  return isFailure(error, "kubernetes_rejected") && statuses.some((status) => error.details?.status === status);
}

const QUOTING_WORDS = [
  "got",
  "(?:Invalid|Unsupported|Duplicate) value:",
  "Not found:",
  "cannot unmarshal",
  "unable to parse",
  "denied (?:the )?request:", // a webhook's own words, or a policy's
  "an error on the server", // the body of a webhook's answer
].join("|");
const QUOTED = new RegExp(`\\b(${QUOTING_WORDS})\\s.*`, "s");

/**
 * A message of the API server without the values that it quotes: those of a Secret must not be repeated anywhere.
 * What follows such a value is cut off as well, because nothing tells where the value ends.
 */
export function withoutValues(message: string): string {
  return message.replace(QUOTED, "$1 ***");
}

function statusOf(text: string): { readonly reason?: string; readonly message?: string } {
  try {
    const { kind, reason, message } = JSON.parse(text) as Record<string, unknown>;
    if (kind !== "Status") return {};
    return { reason: textOf(reason), message: textOf(message) };
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
