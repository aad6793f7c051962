import { Failure, isFailure, shortened } from "$lib/error.ts";
import type { HttpAnswer } from "./exchange.ts";

const MISFIT =
  /^failed to (create typed|convert new|convert patched|prune fields)|^request to convert CR to an invalid group\/version/;

/** What the API server says of a request that it does not do. */
export interface Refusal {
  readonly status: number;
  /** The API server's reason word, such as `Conflict`; empty when the answer names none. */
  readonly reason: string;
  readonly message: string;
  /** What is wrong, field by field, where the answer says so. */
  readonly causes: readonly RefusalCause[];
  /** How long the API server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** What is wrong with one field. */
export interface RefusalCause {
  readonly field: string;
  readonly message: string;
}

/** The refusal that an answer of status 400 or above holds. */
export function refusalOf({ status, headers, text }: HttpAnswer): Refusal {
  const { reason, message, causes = [] } = statusOf(text);
  return {
    status,
    reason: reason ?? "",
    message: message ?? `the API server answered with status ${status}`,
    causes,
    retryAfterMs: retryAfterMs(headers),
  };
}

/** Nobody is left alone for longer, whatever an answer says. */
const RETRY_AFTER_MAX_MS = 300_000;

/** In seconds, or as a time, which is the server's: what stands between may say the one or the other. */
function retryAfterMs({ "retry-after": after = "", date = "" }: HttpAnswer["headers"]): number | undefined {
  const isTime = after.endsWith("GMT");
  const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : isTime ? Date.parse(after) - Date.parse(date) : NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), RETRY_AFTER_MAX_MS);
}

/**
 * Whether the same request may go well a moment later: too many requests, or a fault on the server's side. The API
 * server answers 500, too, when an apply does not fit the object's schema, or a version in its managed fields: that
 * stays as it is.
 */
export function isPassing({ status, message }: Refusal): boolean {
  return status === 429 || (status >= 500 && !MISFIT.test(message));
}

const CALLED_IN_VAIN = /failed calling webhook|conversion webhook for/;
const IN_VAIN = /context deadline exceeded|Client\.Timeout exceeded|i\/o timeout|TLS handshake timeout/;

/** Whether the API server had to ask a webhook first, which gave it no answer. */
export function isCalledInVain(error: unknown): boolean {
  if (!isFailure(error, "kubernetes_unavailable")) return false;
  const { message } = error.details ?? {};
  return typeof message === "string" && CALLED_IN_VAIN.test(message);
}

/** Whether the API server waited for something behind it as long as it does: whoever asks again waits as long again. */
export function isTimeout({ status, message }: Pick<Refusal, "status" | "message">): boolean {
  return status === 504 || (status === 500 && CALLED_IN_VAIN.test(message) && IN_VAIN.test(message));
}

/** The failure that a refusal comes to, once it is not tried again. */
export function refused(what: string, refusal: Refusal): Failure {
  const { status, reason, message } = refusal;
  const code = isPassing(refusal) || status === 401 ? "kubernetes_unavailable" : "kubernetes_rejected";
  return new Failure(code, `Cannot ${what}: ${message}`, { details: { status, reason, message } });
}

/** Whether the API server refused a request with one of these HTTP statuses. */
export function isRefused(error: unknown, ...statuses: readonly number[]): error is Failure {
  return isFailure(error, "kubernetes_rejected") && statuses.some((status) => error.details?.status === status);
}

/** Whether the API server says nothing, or that it has no time (429, 503): then it need not be asked about others. */
export function isServerAway(error: unknown): boolean {
  return isFailure(error, "kubernetes_unavailable") &&
    [undefined, 429, 503].some((status) => error.details?.status === status);
}

/** The words after which values are quoted; the last two stand before a webhook's or a policy's own. */
const QUOTED =
  /\b(got|(?:Invalid|Unsupported|Duplicate) value:|Not found:|cannot unmarshal|unable to parse|denied (?:the )?request:|an error on the server)\s.*/s;

/**
 * A message of the API server without the values that it quotes: those of a Secret must not be repeated anywhere.
 * What follows such a value is cut off as well, because nothing tells where the value ends.
 */
export function withoutValues(message: string): string {
  const isImmutable = message.endsWith(IMMUTABLE);
  return message.replace(QUOTED, isImmutable ? `$1 ***${IMMUTABLE}` : "$1 ***");
}

/** What may be repeated behind any value: it says what is wrong, and nothing of the value. */
const IMMUTABLE = ": field is immutable";

/**
 * Before a value as Go writes it out that found it in the place of another type:
 * `&value.valueUnstructured{Value:true}`, `&{true}`.
 */
const GO_VALUE = /, got &(?:value\.valueUnstructured\{Value:|\{)/;

function withoutGo(line: string): string {
  const found = GO_VALUE.exec(line);
  if (found === null || !line.endsWith("}")) return line;
  const value = line.slice(found.index + found[0].length, -1);
  return `${line.slice(0, found.index)}, got ${goKind(value) ?? value}`;
}

function goKind(value: string): string | undefined {
  if (value.startsWith("map[")) return "a mapping";
  if (value.startsWith("[")) return "a list";
  return value === "interface {}(nil)" || value === "<nil>" ? "null" : undefined;
}

/** A longer message, or one of several lines, is said field by field. */
const READABLE_MAX = 200;
const MESSAGE_MAX = 512;
/** Characters of whatever is said of a refusal. */
const TEXT_MAX = 1_024;
const CAUSE_MAX = 200;
const CAUSES_MAX = 10;
const SUBJECT = /^.{1,300}? is invalid(?=: )/s;
/** Of what quotes no value, such as `Forbidden`, further lines are what would change, as Go writes it. */
const QUOTES_A_VALUE = /^(?:(?:Invalid|Unsupported|Duplicate) value|Not found): /;
/** What comes after the value that was quoted: the last that ends as a value does and is followed by words. */
const AFTER_VALUE = /^[^:]{1,40}: [^]*[}\]"']: ([^]+)$/;

/**
 * A message that people can read: one that quotes whole structures, as those about fields that can't be changed do,
 * becomes the fields' paths with what is wrong about each. Not for Secrets, of which `withoutValues` cuts off more.
 */
export function inFewWords({ message: written, causes }: Pick<Refusal, "message" | "causes">): string {
  const message = written.split("\n").map(withoutGo).join("\n");
  if (message.length <= READABLE_MAX && !message.includes("\n")) return inOneLine(message);
  const [subject] = SUBJECT.exec(message) ?? [];
  if (subject === undefined || causes.length === 0) return inOneLine(shortened(message, MESSAGE_MAX));
  return byField(subject, causes);
}

function byField(subject: string, causes: readonly RefusalCause[]): string {
  const said = causes.slice(0, CAUSES_MAX).map((cause) => `${cause.field}: ${withoutValue(cause.message)}`);
  const rest = causes.length > CAUSES_MAX ? [`and ${causes.length - CAUSES_MAX} more`] : [];
  return inOneLine(shortened(`${subject}: ${[...said, ...rest].join("; ")}`, TEXT_MAX));
}

/** Nothing else of a message that begins so is a webhook's or a policy's own. */
const SECRET_SUBJECT = /^Secret "[^"]{1,253}" is invalid(?=: )/;

/** What is said of a Secret: see {@linkcode withoutValues}. Of several fields each is named. */
export function ofSecret({ message, causes }: Pick<Refusal, "message" | "causes">): string {
  const [subject] = SECRET_SUBJECT.exec(message) ?? [];
  if (subject === undefined || causes.length < 2) return inOneLine(shortened(withoutValues(message), TEXT_MAX));
  return byField(subject, causes.map((cause) => ({ ...cause, message: withoutValues(cause.message) })));
}

function inOneLine(text: string): string {
  return text.replace(/[\r\n\t]\s*/g, " ");
}

function withoutValue(message: string): string {
  if (message.length <= CAUSE_MAX && !message.includes("\n")) return message;
  if (!QUOTES_A_VALUE.test(message)) return shortened(message.split("\n", 1)[0] ?? "", CAUSE_MAX);
  const [, words] = AFTER_VALUE.exec(message) ?? [];
  return shortened(words ?? message, CAUSE_MAX);
}

interface StatusAnswer {
  readonly reason?: string;
  readonly message?: string;
  readonly causes?: readonly RefusalCause[];
}

function statusOf(text: string): StatusAnswer {
  try {
    const { kind, reason, message, details } = JSON.parse(text) as Record<string, unknown>;
    if (kind !== "Status") return {};
    return { reason: textOf(reason), message: textOf(message), causes: causesOf(details) };
  } catch {
    return {};
  }
}

function causesOf(details: unknown): readonly RefusalCause[] {
  const { causes } = (details ?? {}) as { readonly causes?: unknown };
  return (Array.isArray(causes) ? causes : []).map((cause) => ({
    field: textOf(cause?.field) ?? "",
    message: textOf(cause?.message) ?? "",
  }));
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
