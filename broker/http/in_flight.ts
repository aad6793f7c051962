import { BoundExceeded } from "../domain/bounds.ts";

/**
 * How many requests with good keys are being answered; what is beyond `max` is refused at once, so that those inside are
 * still answered in time. Who waits to be let in takes no place here, else strangers could fill them all.
 */
export class InFlight {
  readonly #max: number;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * A place, until it is disposed of.
   *
   * @throws {BoundExceeded} `unavailable` when all are taken.
   */
  enter(): Disposable {
    if (this.#count >= this.#max) {
      const message = `Cannot answer now: ${this.#max} requests are in flight (broker.max_in_flight)`;
      throw new BoundExceeded("in_flight", "unavailable", message);
    }
    this.#count += 1;
    return { [Symbol.dispose]: () => this.#count -= 1 };
  }
}
