import { type ApiErrorCode, Failure, type FailureOptions } from "$lib/error.ts";

/** What a request can be refused for though nothing is wrong with it but how much there is, of it or beside it. */
export const BOUNDS = ["in_flight", "body_bytes", "body_time", "parsing"] as const;
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
