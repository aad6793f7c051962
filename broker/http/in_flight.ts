import { BoundExceeded } from "../domain/bounds.ts";
import type { Caller } from "../domain/caller.ts";

/** Whose requests they are: those of programs that ask all day, and those of who submits and administers. */
type Side = "agents" | "others";

/** What one side may take of all places, so that neither ever pushes the other out. */
const SHARE_MAX = 0.8;
/** What one caller may take of them, so that one key alone does not shut its whole side out. */
const CALLER_SHARE_MAX = 0.25;
/** So many places a caller may have however few there are. */
const CALLER_MIN = 16;

/**
 * How many requests with good keys are being answered; what is beyond `max`, or its side's or its caller's share of
 * that, is refused at once, so that those inside are still answered in time. Who waits to be let in takes no place
 * here, else strangers could fill them all.
 */
export class InFlight {
  readonly #max: number;
  readonly #counts: Record<Side, number> = { agents: 0, others: 0 };
  readonly #ofCaller = new Map<string, number>();

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
   * @throws {BoundExceeded} `unavailable` when all are taken, or all that its side or its caller may take.
   */
  enter({ role, id }: Caller): Disposable {
    const side = role === "agent" ? "agents" : "others";
    const [counts, key] = [this.#counts, `${role} ${id}`];
    if (this.count >= this.#max || counts[side] >= Math.ceil(this.#max * SHARE_MAX)) {
      throw refusal(`${counts[side]} requests of ${side} are in flight, ${this.count} in all`);
    }
    const own = this.#ofCaller.get(key) ?? 0;
    if (own >= Math.max(CALLER_MIN, this.#max * CALLER_SHARE_MAX)) {
      throw refusal(`${own} requests of this ${role} are in flight`);
    }
    this.#change(side, key, 1);
    return { [Symbol.dispose]: () => this.#change(side, key, -1) };
  }

  #change(side: Side, key: string, by: number): void {
    this.#counts[side] += by;
    const own = (this.#ofCaller.get(key) ?? 0) + by;
    if (own === 0) this.#ofCaller.delete(key);
    else this.#ofCaller.set(key, own);
  }
}

function refusal(why: string): BoundExceeded {
  return new BoundExceeded("in_flight", "unavailable", `Cannot answer now: ${why} (broker.max_in_flight)`);
}
