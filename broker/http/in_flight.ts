import { BoundExceeded } from "../domain/bounds.ts";
import type { Role } from "../domain/caller.ts";

/** Whose requests they are: those of programs that ask all day, and those of who submits and administers. */
type Side = "agents" | "others";

/** What one side may take of all places, so that neither ever pushes the other out. */
const SHARE_MAX = 0.8;

/**
 * How many requests with good keys are being answered; what is beyond `max`, or beyond its side's share of that, is
 * refused at once, so that those inside are still answered in time. Who waits to be let in takes no place here, else
 * strangers could fill them all.
 */
export class InFlight {
  readonly #max: number;
  readonly #counts: Record<Side, number> = { agents: 0, others: 0 };

  constructor(max: number) {
    this.#max = max;
  }

  /** How many are being answered now. */
  get count(): number {
    return this.#counts.agents + this.#counts.others;
  }

  /**
   * A place, until it is disposed of.
   *
   * @throws {BoundExceeded} `unavailable` when all are taken, or all that its side may take.
   */
  enter(role: Role): Disposable {
    const side = role === "agent" ? "agents" : "others";
    const counts = this.#counts;
    if (this.count >= this.#max || counts[side] >= Math.ceil(this.#max * SHARE_MAX)) {
      const requests = `${counts[side]} requests of ${side} are in flight, ${this.count} in all`;
      throw new BoundExceeded("in_flight", "unavailable", `Cannot answer now: ${requests} (broker.max_in_flight)`);
    }
    counts[side] += 1;
    return { [Symbol.dispose]: () => counts[side] -= 1 };
  }
}
