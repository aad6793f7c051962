/**
 * How many stacks may be in a turn at once. Who comes first is served first; where turns that bring something new and
 * turns that only repeat what is settled wait both, they take turns, so that neither a resync of a hundred stacks keeps
 * a submission waiting nor the other way round.
 */
export class TurnSemaphore {
  readonly #lateMax: number;
  #free: number;
  #late = 0;
  readonly #waiting = { new: new Array<() => void>(), repeated: new Array<() => void>() };
  #last: "new" | "repeated" = "repeated";

  /** @param atOnce How many may have a place; as many more may go on without one, because they last. */
  constructor(atOnce: number) {
    this.#free = atOnce;
    this.#lateMax = atOnce;
  }

  /** Takes a place; undefined when that was done at once, else resolves when it is. */
  take(kind: "new" | "repeated"): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      this.#last = kind;
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting[kind].push(resolve);
    return promise;
  }

  /**
   * Gives the place of a turn back that goes on without one, as it waits for what does not answer: else a few such
   * would keep all others waiting. Whether it did; then {@linkcode TurnSemaphore.endLate} is to be called at its end.
   */
  giveEarly(): boolean {
    if (this.#late === this.#lateMax) return false;
    this.#late += 1;
    this.give();
    return true;
  }

  /** A turn without a place has ended. */
  endLate(): void {
    this.#late -= 1;
  }

  /** Gives a place back, to the next who waits. */
  give(): void {
    const next = this.#last === "new" ? "repeated" : "new";
    const kind = this.#waiting[next].length > 0 ? next : this.#last;
    const grant = this.#waiting[kind].shift();
    if (grant === undefined) {
      this.#free += 1;
      return;
    }
    this.#last = kind;
    grant();
  }
}
