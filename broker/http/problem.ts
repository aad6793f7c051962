import type { z } from "zod";
import { type ApiErrorCode, Failure, isFailure, shortened, STATUS_OF } from "$lib/error.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { type Log, withoutSecrets } from "$lib/log.ts";
import type { ErrorResponse } from "$lib/wire/common.ts";

/** One thing wrong with what a client sent; `path` is dotted, and empty for the whole. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

const FAULTS_MAX = 100;

/**
 * A failure that lists the faults in `details.errors`: all of them, or the first 100, and then says how many there are.
 */
export function faultyInput(code: ApiErrorCode, message: string, faults: readonly Fault[]): Failure {
  const errors = faults.slice(0, FAULTS_MAX);
  const extent = errors.length === faults.length
    ? ""
    : `, of which the first ${FAULTS_MAX} of ${faults.length} are named`;
  return new Failure(code, `${message}${extent}`, { details: { errors } });
}

/** The faults that zod found, in its order; a key of a client's that one repeats is cut. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.map(({ path, message }) => ({
    path: shortened(path.map(String).join(".")),
    message: shortened(message),
  }));
}

/** What an answer says of its request beside the error. */
export interface ProblemContext {
  readonly log: Log;
  readonly requestId: string;
  /** The trace in which the request is found, where it is sampled. */
  readonly traceId?: string | undefined;
}

/**
 * The answer to anything thrown while a request was handled. What is no {@linkcode Failure} of the API is a bug:
 * logged here, and answered without its cause.
 */
export function problemOf(error: unknown, { log, requestId, traceId }: ProblemContext): Response {
  const trace = traceId === undefined ? undefined : { trace_id: traceId };
  if (isApiFailure(error)) {
    return problem(error.code, error.message, trace ? { ...error.details, ...trace } : error.details);
  }
  log.error("request failed", { request_id: requestId, error });
  const message = `Cannot answer: an unexpected error; it is in the broker's log under request "${requestId}"`;
  return problem("internal_error", message, { request_id: requestId, ...trace });
}

/** An error answer: the one shape that every failure of the API has. What it quotes of a request is without keys. */
export function problem(code: ApiErrorCode, message: string, details?: ErrorResponse["details"]): Response {
  const body: ErrorResponse = details === undefined ? { code, message } : { code, message, details };
  return new Response(withoutSecrets(JSON.stringify(body)), {
    status: STATUS_OF[code],
    headers: headersOf(code, details),
  });
}

const RETRIED: readonly ApiErrorCode[] = ["too_many_requests", "telemetry_unavailable", "unavailable"];

/** When to try again is a second later, where the failure's details don't say another time. */
function headersOf(code: ApiErrorCode, details: ErrorResponse["details"]): Record<string, string> {
  const json = { "content-type": JSON_TYPE };
  if (code === "unauthorized") return { ...json, "www-authenticate": "Bearer" };
  if (code === "unsupported_encoding") return { ...json, "accept-encoding": String(details?.accept_encoding) };
  return RETRIED.includes(code) ? { ...json, "retry-after": String(details?.retry_after_seconds ?? 1) } : json;
}

function isApiFailure(error: unknown): error is Failure & { readonly code: ApiErrorCode } {
  return isFailure(error) && Object.hasOwn(STATUS_OF, error.code) && error.code !== "internal_error";
}
