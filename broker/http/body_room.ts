import { Failure } from "$lib/error.ts";

/** Bytes of large bodies in memory at once, of one caller and of all: each takes its reader several times as much. */
const ROOM_BYTES = { ofCaller: 16 * 1024 * 1024, ofAll: 64 * 1024 * 1024 };

interface Waiting {
  readonly owner: string;
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Room for large bodies: who finds none waits before more of his is read, and who has taken all that is his delays
 * himself alone. One that is larger than all there is comes in alone.
 */
export class BodyRoom {
  /** Who waits, the first first. */
  readonly #waiting = new Set<Waiting>();
  readonly #ofCaller = new Map<string, number>();
  #ofAll = 0;

  /**
   * Waits until so many bytes have room, which they keep until it is disposed of.
   *
   * @param signal Aborts when whoever sends them has left.
   * @throws {Failure} `unavailable` when they have left.
   */
  async enter(owner: string, bytes: number, signal: AbortSignal): Promise<Disposable> {
    const { promise: entered, resolve: enter, reject } = Promise.withResolvers<void>();
    const waiting = { owner, bytes, enter };
    const leave = () => {
      if (this.#waiting.delete(waiting)) {
        reject(new Failure("unavailable", "Cannot read the body: the client has left"));
      }
      this.#admit(); // those behind may have waited for nobody else
    };
    this.#waiting.add(waiting);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    else this.#admit();
    try {
      await entered;
    } finally {
      signal.removeEventListener("abort", leave);
    }
    return {
      [Symbol.dispose]: () => {
        this.#take(owner, -bytes);
        this.#admit();
      },
    };
  }

  /** Those whose callers have taken all that is theirs are passed over; others are not, however large they are. */
  #admit(): void {
    for (const one of this.#waiting) {
      if (!fits(one.bytes, this.#ofCaller.get(one.owner) ?? 0, ROOM_BYTES.ofCaller)) continue;
      if (!fits(one.bytes, this.#ofAll, ROOM_BYTES.ofAll)) return;
      this.#waiting.delete(one);
      this.#take(one.owner, one.bytes);
      one.enter();
    }
  }

  #take(owner: string, bytes: number): void {
    const own = (this.#ofCaller.get(owner) ?? 0) + bytes;
    if (own === 0) this.#ofCaller.delete(owner);
    else this.#ofCaller.set(owner, own);
    this.#ofAll += bytes;
  }
}

function fits(bytes: number, taken: number, max: number): boolean {
  return taken === 0 || taken + bytes <= max;
}
