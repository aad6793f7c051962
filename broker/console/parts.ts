import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { InstrumentsOf } from "$lib/metrics.ts";
import type { ConnectivityLimits } from "../domain/agent.ts";
import type { ParseBundle } from "../domain/bundle_verdict.ts";
import type { Caller } from "../domain/caller.ts";
import type { Authenticator } from "../http/auth.ts";
import type { BodyBounds } from "../http/body.ts";
import type { InFlight } from "../http/in_flight.ts";
import type { AUTH_METRICS, HTTP_METRICS } from "../metrics.ts";
import type { Store } from "../store/mod.ts";

/** What the console is made of: the API's own parts, and its settings. */
export interface ConsoleParts {
  /** The store, once the database is there. @throws {Failure} `unavailable` before. */
  readonly store: () => Store;
  readonly authenticator: Pick<Authenticator, "authenticate" | "recognise">;
  readonly attempts?: InstrumentsOf<typeof AUTH_METRICS>["attempts"] | undefined;
  readonly bounded?: InstrumentsOf<typeof HTTP_METRICS>["bounded"] | undefined;
  readonly bounds: BodyBounds;
  readonly inFlight: InFlight;
  readonly parseBundle: ParseBundle;
  readonly limits: ConnectivityLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** The annotation by whose values agents are grouped; by health without one. */
  readonly groupBy: string | undefined;
  /** Where a trace is shown, with `{trace_id}` in it. */
  readonly traceUrl: string | undefined;
}

/** A request to the console, before it is known who asks. */
export interface Asked {
  readonly request: Request;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  readonly parts: ConsoleParts;
  readonly store: Store;
  readonly connectionFrom: () => string;
}

/** A request of somebody who is signed in. */
export interface Visit extends Asked {
  readonly caller: Caller;
  /** What every form sends back. */
  readonly csrfSecret: string;
  /** What the form sent: empty of a GET. */
  readonly form: URLSearchParams;
}
