import { type Clock, deadline } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { Counter, Histogram } from "$lib/metrics.ts";
import { backoffMs, jittered } from "$lib/retry.ts";
import type { Exchange, HttpAnswer, HttpRequest } from "./exchange.ts";
import { rateLimiter } from "./rate_limit.ts";
import { isPassing, type Refusal, refusalOf, refused } from "./refusal.ts";
import type { KUBERNETES_OPERATIONS, KUBERNETES_RESULTS, KubernetesOperation } from "./types.ts";

/** Where the door counts every request, each retry too, and how long it took until its answer was read. */
export interface KubernetesMetrics {
  readonly operations: Pick<
    Counter<{ readonly operation: typeof KUBERNETES_OPERATIONS; readonly result: typeof KUBERNETES_RESULTS }>,
    "bind"
  >;
  readonly duration: Pick<Histogram<{ readonly operation: typeof KUBERNETES_OPERATIONS }>, "bind">;
}

/** What requests are sent, counted and timed with. */
export interface SenderParts {
  readonly exchange: Exchange;
  /** The headers that say who asks. */
  readonly authorize: () => Promise<HttpRequest["headers"]>;
  readonly metrics: KubernetesMetrics;
  readonly clock: Clock;
  /** Randomness in [0, 1) for the jitter of retries. */
  readonly random: () => number;
  readonly log: Log;
  /** Requests per second that this process allows itself; 0 or left out: no limit. */
  readonly qps?: number;
  /** How many requests may go at once before `qps` counts; left out: twice `qps`. */
  readonly burst?: number;
}

/** A request, with what it is called in metrics and in messages. */
export interface NamedRequest extends HttpRequest {
  readonly operation: KubernetesOperation;
  /** Completes "Cannot …". */
  readonly what: string;
  /** For answers that quote what must not be repeated. */
  readonly mask?: (message: string) => string;
  /** Asked to learn how the API server is now: sent once, and before whatever waits for its turn. */
  readonly isProbe?: boolean;
}

/**
 * Sends a request, again when that may help, and gives its answer of a status below 400. A write that was sent may be done
 * already: when the signal aborts its answer is waited for, and it is not sent again.
 *
 * @throws {Failure} as `Kubernetes` says; the signal's reason when it aborts.
 */
export type Sender = (request: NamedRequest, signal?: AbortSignal) => Promise<HttpAnswer>;

const MAX_TRIES = 5;
const REQUEST_TIMEOUT_MS = 30_000;
const BACKOFF = { minMs: 200, maxMs: 5_000 };
const RETRY_AFTER_MAX_MS = 60_000;

type Try = { readonly answer: HttpAnswer } | { readonly refusal: Refusal } | { readonly error: unknown };

/** The one way to the API server: nothing reaches it uncounted. */
export function createSender(parts: SenderParts): Sender {
  const { qps = 0, burst = 2 * qps, clock, random, log } = parts;
  const meter = meterOf(parts);
  const mayGo = rateLimiter({ qps, burst }, clock);
  return async (request, signal) => {
    for (let tries = 1;; tries += 1) {
      if (!request.isProbe) await mayGo(signal);
      const headers = { ...request.headers, ...await parts.authorize() };
      signal?.throwIfAborted();
      const result = await tryOnce({ ...request, headers }, { ...parts, meter, signal });
      if ("answer" in result) return result.answer;
      if (request.isProbe || tries === MAX_TRIES || !isWorthRetrying(request, result)) throw failureOf(request, result);
      log.debug("kubernetes request failed, retrying", { what: request.what, tries });
      await clock.sleep(pauseMs(result, tries, random), signal);
    }
  };
}

type Meter = (operation: KubernetesOperation, result: "success" | "error", seconds: number) => void;

function meterOf({ metrics }: SenderParts): Meter {
  return (operation, result, seconds) => {
    metrics.operations.bind({ operation, result }).add();
    metrics.duration.bind({ operation }).record(seconds);
  };
}

async function tryOnce(
  request: NamedRequest,
  { exchange, clock, meter, signal }: SenderParts & { meter: Meter; signal?: AbortSignal },
): Promise<Try> {
  using limit = deadline(clock, REQUEST_TIMEOUT_MS, isWrite(request) ? undefined : signal);
  const startMs = clock.monotonic();
  let isSuccess = false;
  try {
    const answer = await exchange(request, limit.signal);
    isSuccess = answer.status < 400;
    return isSuccess ? { answer } : { refusal: masked(refusalOf(answer), request.mask) };
  } catch (error) {
    signal?.throwIfAborted();
    return { error };
  } finally {
    meter(request.operation, isSuccess ? "success" : "error", (clock.monotonic() - startMs) / 1000);
  }
}

function isWrite({ method, operation }: NamedRequest): boolean {
  return method !== "GET" && operation !== "dry_run";
}

function masked(refusal: Refusal, mask: NamedRequest["mask"]): Refusal {
  return mask === undefined ? refusal : { ...refusal, message: mask(refusal.message) };
}

/** A conflict of a patch is a race with another writer; of a delete it means that the object is another one by now. */
function isWorthRetrying({ method }: NamedRequest, result: Exclude<Try, { answer: HttpAnswer }>): boolean {
  if ("error" in result) return !(result.error instanceof Failure);
  const { status, reason, retryAfterMs = 0 } = result.refusal;
  if (retryAfterMs > RETRY_AFTER_MAX_MS) return false;
  return isPassing(result.refusal) || (method === "PATCH" && status === 409 && reason === "Conflict");
}

/** As long as the API server asks for, and our own pause on top, so that not all who were told the same come at once. */
function pauseMs(result: Exclude<Try, { answer: HttpAnswer }>, tries: number, random: () => number): number {
  const { retryAfterMs = 0 } = "refusal" in result ? result.refusal : {};
  return retryAfterMs + jittered(backoffMs(tries, BACKOFF), random);
}

function failureOf({ what }: NamedRequest, result: Exclude<Try, { answer: HttpAnswer }>): Failure {
  if ("refusal" in result) return refused(what, result.refusal);
  if (result.error instanceof Failure) return result.error;
  return new Failure("kubernetes_unavailable", `Cannot ${what}: the API server does not answer`, {
    cause: result.error,
  });
}
