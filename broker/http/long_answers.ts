import type { Clock } from "$lib/clock.ts";
import type { LongAnswer as WholeAnswer } from "$lib/serve/long_answer.ts";
import { pacedBody } from "$lib/serve/paced_body.ts";
import { InOrder } from "../in_order.ts";

/** What {@linkcode LongAnswers} need. */
export interface LongAnswersParts {
  readonly clock: Clock;
  /** Hears of each answer that nobody read on. */
  readonly onSlowReader?: (() => void) | undefined;
}

/** One answer that is not held in memory as a whole. */
export interface LongAnswer {
  /** Whose it is: of each owner one is under way, the next one begins when it has ended. */
  readonly owner: string;
  /** It, piece by piece, each made when it is asked for. Where it fails the answer breaks off. */
  readonly pieces: AsyncIterable<string | Uint8Array<ArrayBuffer>>;
  readonly headers: Readonly<Record<string, string>>;
  /** 200 when left out. */
  readonly status?: number | undefined;
  /** Aborts when whoever asked has left. */
  readonly signal: AbortSignal;
  /** Is disposed of once the answer has ended, however it did. */
  readonly place: Disposable;
}

/**
 * Answers that take long to be read: of each no more is in memory than it must, and its place is taken until its end.
 */
export class LongAnswers {
  readonly #parts: LongAnswersParts;
  readonly #order = new InOrder();

  constructor(parts: LongAnswersParts) {
    this.#parts = parts;
  }

  /** The answer, in its owner's turn. */
  open({ owner, pieces, headers, status, signal, place }: LongAnswer): Promise<Response> {
    return new Promise((answer) => {
      const untilRead = () =>
        new Promise<void>((end) => {
          const body = signal.aborted ? void end() : pacedBody(pieces, { ...this.#parts, onEnd: end });
          answer(new Response(body, { status, headers }));
        });
      this.#order.run(owner, untilRead).then(() => place[Symbol.dispose]());
    });
  }

  /** One that is there as a whole, at once. */
  send(answer: WholeAnswer, place: Disposable): Response {
    return answer.paced({ ...this.#parts, onEnd: () => place[Symbol.dispose]() });
  }
}
