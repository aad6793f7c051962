import { type Cause, CAUSE_ORDER, causesOf } from "./causes.ts";
import type { ConnectivityLimits } from "./agent.ts";
import type { SeenDelivery } from "./seen_delivery.ts";

/** One cause of several deliveries, in the words of the first of them. */
export interface CauseSummary {
  readonly cause: Cause;
  readonly agents: number;
  readonly firstAgents: readonly SeenDelivery["agent"][];
}

const FIRST_AGENTS = 20;

/** Gathers why deliveries are not converged, each kind of cause once. */
export class CauseSummaries {
  readonly #byCode = new Map<string, { cause: Cause; agents: number; firstAgents: SeenDelivery["agent"][] }>();

  /** Counts a delivery under each of its causes. */
  add(seen: SeenDelivery, limits: ConnectivityLimits): void {
    for (const cause of causesOf({ seen, limits })) {
      const known = this.#byCode.getOrInsertComputed(cause.code, () => ({ cause, agents: 0, firstAgents: [] }));
      known.agents += 1;
      if (known.firstAgents.length < FIRST_AGENTS) known.firstAgents.push(seen.agent);
    }
  }

  /** The most basic cause first. */
  list(): readonly CauseSummary[] {
    return [...this.#byCode.values()].sort((one, other) => placeOf(one.cause) - placeOf(other.cause));
  }
}

/** A reason that this program does not know stands before those that only say that it goes on. */
function placeOf({ code }: Cause): number {
  const place = CAUSE_ORDER.indexOf(code);
  return place < 0 ? CAUSE_ORDER.indexOf("retried") - 0.5 : place;
}
