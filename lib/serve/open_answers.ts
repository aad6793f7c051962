import type { Clock } from "$lib/clock.ts";
import type { LongAnswer } from "$lib/serve/long_answer.ts";

/** What sending long answers to anybody takes. */
export interface OpenAnswersParts {
  readonly clock: Clock;
  /** Hears of each answer that nobody read on. */
  readonly onSlowReader?: (() => void) | undefined;
}

/** How many are sent at once: to all, and to one address. */
const [ALL_MAX, ADDRESS_MAX] = [64, 16];

/** Long answers to whoever asks, with no key: as many at once as memory bears, and to no address all of them. */
export class OpenAnswers {
  readonly #parts: OpenAnswersParts;
  readonly #ofAddress = new Map<string, number>();
  #ofAll = 0;

  constructor(parts: OpenAnswersParts) {
    this.#parts = parts;
  }

  /** The answer, handed out as fast as it is read; undefined where too many others are. */
  send(answer: LongAnswer, address: string): Response | undefined {
    if (this.#ofAll >= ALL_MAX || (this.#ofAddress.get(address) ?? 0) >= ADDRESS_MAX) return undefined;
    this.#change(address, 1);
    return answer.paced({ ...this.#parts, onEnd: () => this.#change(address, -1) });
  }

  #change(address: string, by: number): void {
    this.#ofAll += by;
    const own = (this.#ofAddress.get(address) ?? 0) + by;
    if (own === 0) this.#ofAddress.delete(address);
    else this.#ofAddress.set(address, own);
  }
}
