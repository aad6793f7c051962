import { type ApiErrorCode, Failure, type FailureOptions } from "$lib/error.ts";

/**
 * What can refuse, delay or end a request though nothing is wrong with it but how much there is, of it or beside it.
 */
export const BOUNDS = [
  "body_size",
  "body_time",
  "in_flight",
  "key_lookups",
  "parser",
  "slow_reader",
  "telemetry",
] as const;
/** One of {@linkcode BOUNDS}. */
export type Bound = (typeof BOUNDS)[number];

/** A request that a bound refuses: it is counted by which. */
export class BoundExceeded extends Failure {
  readonly bound: Bound;

  constructor(bound: Bound, code: ApiErrorCode, message: string, options?: FailureOptions) {
    super(code, message, options);
    this.bound = bound;
  }
}
