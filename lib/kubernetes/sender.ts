import type { Counter, Histogram, SpanContext } from "@opentelemetry/api";
import { type Clock, unlessAborted } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { bound } from "$lib/metrics.ts";
import { backoffMs, jittered } from "$lib/retry.ts";
import type { RequestHeaders } from "./asker.ts";
import type { Exchange, HttpAnswer, HttpRequest } from "./exchange.ts";
import { inFewWords, isPassing, isTimeout, type Refusal, refusalOf, refused } from "./refusal.ts";
import type { Scheduler } from "./scheduler.ts";
import type { KubernetesOperation, KubernetesResult, ObjectPlace } from "./types.ts";

/** Where the door counts every request, each retry too, and how long it took until its answer was read. */
export interface KubernetesMetrics {
  readonly operations: Counter<{ operation: KubernetesOperation; result: KubernetesResult }>;
  readonly duration: Histogram<{ operation: KubernetesOperation }>;
}

/** What requests are sent, counted and timed with. */
export interface SenderParts {
  readonly exchange: Exchange;
  /** The headers that say who asks; read again where the API server did not know who asked last. */
  readonly authorize: (isRefused?: boolean) => Promise<RequestHeaders>;
  readonly metrics: KubernetesMetrics;
  readonly clock: Clock;
  /** Randomness in [0, 1) for the jitter of retries. */
  readonly random: () => number;
  readonly log: Log;
  /** Why no connection came about, in words of the configuration; undefined where that doesn't tell. */
  readonly explain?: (error: unknown) => string | undefined;
  /** Says when each try may go; probes and watches do not wait for it. */
  readonly scheduler: Scheduler;
}

/** A request, with what it is called in metrics and in messages. */
export interface NamedRequest extends HttpRequest {
  readonly operation: KubernetesOperation;
  /** Completes "Cannot …". */
  readonly what: string;
  /** For answers that quote what must not be repeated. */
  readonly mask?: (refusal: Pick<Refusal, "message" | "causes">) => string;
  /** The stack in whose queue it waits; left out: a queue beside those of stacks. */
  readonly stackId?: string;
  /** The user as whom it is asked, whoever the credentials are. */
  readonly impersonate?: string;
  /** It is about one version of the object alone: a conflict is the answer, however often it is asked. */
  readonly isConditional?: boolean;
  /** The object that it is about. */
  readonly place?: ObjectPlace;
  /** What is waited for before it is sent, where it is a write. */
  readonly writesAfter?: () => Promise<void> | undefined;
  /**
   * Worth nothing when it comes late, as a question how the API server is now: sent once, past whatever waits for its
   * turn.
   */
  readonly isProbe?: boolean;
  /** Where it is part of sampled work: its own. */
  readonly span?: SpanContext;
}

/**
 * Sends a request, again when that may help, and gives its answer of a status below 400. A write that was sent may be
 * done already: when the signal aborts its answer is waited for, and it is not sent again.
 *
 * @throws {Failure} as `Kubernetes` says; the signal's reason when it aborts.
 */
export type Sender = (request: NamedRequest, signal?: AbortSignal) => Promise<HttpAnswer>;

const MAX_TRIES = 5;
/** Of a request that nothing answers in time: the second may go over another connection. */
const MAX_TRIES_IN_SILENCE = 2;
const BACKOFF = { minMs: 200, maxMs: 5_000 };
/**
 * Whoever is to wait for longer, as for a type that is not ready (30 s), fails, and its turn makes room for others'.
 */
const PATIENCE_MAX_MS = 10_000;

type Try = { readonly answer: HttpAnswer } | { readonly refusal: Refusal } | { readonly error: unknown };

/** The one way to the API server: nothing reaches it uncounted. */
export function createSender(parts: SenderParts): Sender {
  const { scheduler, clock, random, log } = parts;
  const meter = createMeter(parts.metrics);
  return async (request, signal) => {
    const before = isWrite(request) ? request.writesAfter?.() : undefined;
    if (before !== undefined) await unlessAborted(before, signal);
    let [isUnknown, silent] = [false, 0];
    for (let tries = 1;; tries += 1) {
      const tryIt = () => tryOnce(request, { ...parts, meter, signal, isUnknown });
      const result = await (request.isProbe ? tryIt() : scheduler.run(request.stackId, tryIt, signal));
      if ("answer" in result) return result.answer;
      if (!isUnknown && isUnauthorized(result)) {
        isUnknown = true; // its token may have been changed a moment ago
        continue;
      }
      if (isSilence(result)) silent += 1;
      if (request.stackId !== undefined) scheduler.slow(request.stackId, askedMs(result));
      const isEnough = request.isProbe || tries >= MAX_TRIES || silent >= MAX_TRIES_IN_SILENCE;
      if (isEnough || !isWorthRetrying(request, result)) {
        throw failureOf(request, result, parts.explain);
      }
      log.debug("kubernetes request failed, retrying", { what: request.what, tries });
      await clock.sleep(pauseMs(result, tries, random), signal);
    }
  };
}

/** What is counted of a request. */
export type MeteredRequest = Pick<NamedRequest, "operation" | "span">;

/** Counts a request and records how many seconds it took. */
export type Meter = (
  request: MeteredRequest,
  ended: { readonly result: KubernetesResult; readonly seconds: number },
) => void;

/** The meter over the program's metrics. */
export function createMeter({ operations, duration }: KubernetesMetrics): Meter {
  return ({ operation, span }, { result, seconds }) => {
    bound(operations, { operation, result }).add();
    bound(duration, { operation }).record(seconds, span);
  };
}

/** How a request is sent, counted and timed. */
export interface Metering<T extends Pick<HttpAnswer, "status">> {
  readonly send: () => Promise<T>;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly signal: AbortSignal | undefined;
}

/**
 * Sends a request, and counts how it ended; one that we ourselves cut short has not, and the API server failed at
 * nothing.
 */
export async function metered<T extends Pick<HttpAnswer, "status">>(
  request: MeteredRequest,
  { send, clock, meter, signal }: Metering<T>,
): Promise<T> {
  const startMs = clock.monotonic();
  const count = (status?: number) =>
    meter(request, { result: resultOf(request, status), seconds: (clock.monotonic() - startMs) / 1000 });
  try {
    const answer = await send();
    count(answer.status);
    return answer;
  } catch (error) {
    if (signal?.aborted !== true || error !== signal.reason) count();
    throw error;
  }
}

const REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 405, 409, 410, 413, 415, 422]);

/** Operations that are as well answered by there being nothing: no such object, or no objects of such a type. */
const OF_NOTHING: ReadonlySet<KubernetesOperation> = new Set(["get", "list", "watch", "delete"]);

/** How a request ended, by its answer's status: that there is nothing to be read, or to be deleted, is no refusal. */
function resultOf({ operation }: Pick<NamedRequest, "operation">, status: number | undefined): KubernetesResult {
  if (status === undefined) return "error";
  if (status < 400 || (status === 404 && OF_NOTHING.has(operation))) return "success";
  return REFUSALS.has(status) ? "refused" : "error";
}

/**
 * What a request says of itself and of who asks; asking as a user of its own, it is nobody of whom the credentials
 * speak.
 */
export function requestHeaders({ headers, impersonate }: NamedRequest, asking: RequestHeaders): RequestHeaders {
  if (impersonate === undefined) return { ...headers, ...asking };
  const own = Object.entries(asking).filter(([name]) => !name.toLowerCase().startsWith("impersonate-"));
  return { ...headers, ...Object.fromEntries(own), "impersonate-user": impersonate };
}

interface TryParts extends SenderParts {
  readonly meter: Meter;
  readonly signal: AbortSignal | undefined;
  /** Whether the API server did not know who asked last. */
  readonly isUnknown: boolean;
}

async function tryOnce(
  request: NamedRequest,
  { exchange, authorize, clock, meter, signal, isUnknown }: TryParts,
): Promise<Try> {
  const headers = requestHeaders(request, await authorize(isUnknown));
  signal?.throwIfAborted();
  const send = () => exchange({ ...request, headers }, isWrite(request) ? undefined : signal);
  try {
    const answer = await metered(request, { send, clock, meter, signal });
    return answer.status < 400 ? { answer } : { refusal: masked(refusalOf(answer), request.mask) };
  } catch (error) {
    signal?.throwIfAborted();
    return { error };
  }
}

const JSON_PATCH = "application/json-patch+json";
const OWNED_FIELDS = /^Apply failed with \d+ conflict/;

/** Whether something may be kept of it. */
export function isWrite({ method, operation }: NamedRequest): boolean {
  return method !== "GET" && operation !== "dry_run";
}

function masked(refusal: Refusal, mask: NamedRequest["mask"]): Refusal {
  return { ...refusal, message: (mask ?? inFewWords)(refusal) };
}

function isUnauthorized(result: Exclude<Try, { answer: HttpAnswer }>): boolean {
  return "refusal" in result && result.refusal.status === 401;
}

function isSilence(result: Exclude<Try, { answer: HttpAnswer }>): boolean {
  return "error" in result && result.error instanceof DOMException && result.error.name === "TimeoutError";
}

/**
 * A conflict of a patch is a race with another writer, unless it was about one version alone; of a delete it means that
 * the object is another one by now, of a JSON patch that it is no more as the patch says, and of an apply without force
 * that a field is another manager's.
 */
function isWorthRetrying(request: NamedRequest, result: Exclude<Try, { answer: HttpAnswer }>): boolean {
  const { method, headers, isConditional = false } = request;
  if ("error" in result) return !(result.error instanceof Failure);
  const { status, reason, message, retryAfterMs = 0 } = result.refusal;
  if (retryAfterMs > PATIENCE_MAX_MS || isTimeout(result.refusal)) return false;
  if (isPassing(result.refusal)) return true;
  const isRace = method === "PATCH" && !isConditional && headers["content-type"] !== JSON_PATCH &&
    !OWNED_FIELDS.test(message);
  return isRace && status === 409 && reason === "Conflict";
}

/**
 * As long as the API server asks for, and our own pause on top, so that not all who were told the same come at once.
 */
function pauseMs(result: Exclude<Try, { answer: HttpAnswer }>, tries: number, random: () => number): number {
  return askedMs(result) + jittered(backoffMs(tries, BACKOFF), random);
}

function askedMs(result: Exclude<Try, { answer: HttpAnswer }>): number {
  return "refusal" in result ? result.refusal.retryAfterMs ?? 0 : 0;
}

function failureOf(
  { what }: NamedRequest,
  result: Exclude<Try, { answer: HttpAnswer }>,
  explain: SenderParts["explain"],
): Failure {
  if ("refusal" in result) return refused(what, result.refusal);
  if (result.error instanceof Failure) return result.error;
  const fault = explain?.(result.error);
  if (fault !== undefined) return new Failure("kubernetes_unavailable", `Cannot ${what}: ${fault}`);
  return new Failure("kubernetes_unavailable", `Cannot ${what}: the API server does not answer`, {
    cause: result.error,
  });
}
