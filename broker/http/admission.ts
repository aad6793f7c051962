import { Failure } from "$lib/error.ts";
import type { InstrumentsOf } from "$lib/metrics.ts";
import { mayCall } from "../domain/access.ts";
import type { Caller } from "../domain/caller.ts";
import type { AUTH_METRICS, AuthResult } from "../metrics.ts";
import type { Store } from "../store/mod.ts";
import { type Authenticator, KeyRefused } from "./auth.ts";
import type { Endpoint } from "./endpoint.ts";

/** What deciding who comes in takes. */
export interface AdmissionParts {
  readonly authenticator: Pick<Authenticator, "authenticate">;
  /** Counts each attempt once, by how it ended; left out where nobody is asked for a key. */
  readonly attempts?: InstrumentsOf<typeof AUTH_METRICS>["attempts"] | undefined;
  /** Hears who asks, as soon as that is certain and whether or not they may. */
  readonly onKnown?: ((caller: Caller) => void) | undefined;
  readonly store: Store;
  /** The address at the other end of the connection. */
  readonly connectionFrom?: (() => string) | undefined;
}

/**
 * Who asks, where the key may call the endpoint; an attempt that nobody could decide, the database being away, counts
 * nothing.
 *
 * @throws {Failure} `unauthorized`; `forbidden`, or the endpoint's own code, for a known key that may not call it.
 */
export async function admitted(
  request: Request,
  endpoint: Pick<Endpoint, "roles" | "refusal">,
  { authenticator, attempts, onKnown, store, connectionFrom }: AdmissionParts,
): Promise<Caller> {
  const count = (result: AuthResult) => attempts?.add(1, { result });
  try {
    const caller = await authenticator.authenticate(request, store, connectionFrom);
    onKnown?.(caller);
    count(endpoint.roles.includes(caller.role) ? "success" : "forbidden");
    mustBeAllowed(endpoint, caller);
    return caller;
  } catch (error) {
    if (error instanceof KeyRefused) count(error.result);
    throw error;
  }
}

function mustBeAllowed({ roles, refusal }: Pick<Endpoint, "roles" | "refusal">, caller: Caller): void {
  if (refusal === undefined || roles.includes(caller.role)) return mayCall(caller, roles);
  throw new Failure(refusal, `Cannot call this: this ${caller.role}'s key may not`);
}
