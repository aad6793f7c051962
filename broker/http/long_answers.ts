import type { Clock } from "$lib/clock.ts";
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
  /** Its text, piece by piece, each made when it is asked for. Where it fails the answer breaks off. */
  readonly pieces: AsyncIterable<string | Uint8Array<ArrayBuffer>>;
  readonly headers: Readonly<Record<string, string>>;
  /** 200 when left out. */
  readonly status?: number | undefined;
  /** Aborts when whoever asked has left. */
  readonly signal: AbortSignal;
  /** Is disposed of once the answer has ended, however it did. */
  readonly place: Disposable;
}

/** What is handed to the listener at once, so that a slow line is told from one that is not read. */
const SLICE_BYTES = 64 * 1024;
const UNREAD_MAX_MS = 10_000;
const UTF8 = new TextEncoder();

/** Answers that are too long to be made at once: of each, one piece is in memory, and it is made when it is read. */
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
          answer(new Response(signal.aborted ? void end() : this.#body(pieces, end), { status, headers }));
        });
      this.#order.run(owner, untilRead).then(() => place[Symbol.dispose]());
    });
  }

  #body(pieces: LongAnswer["pieces"], onEnd: () => void): ReadableStream<Uint8Array> {
    const { clock, onSlowReader } = this.#parts;
    const slices = sliced(pieces);
    let cancelTimer = () => {};
    const end = () => {
      cancelTimer();
      onEnd();
    };
    const waitForReader = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      cancelTimer = clock.after(UNREAD_MAX_MS, () => {
        onSlowReader?.();
        controller.error(new DOMException("Nobody reads the answer", "TimeoutError"));
        end();
        slices.return(undefined).catch(() => {});
      });
    };
    return new ReadableStream<Uint8Array>({
      start: waitForReader,
      async pull(controller) {
        cancelTimer();
        try {
          const { done, value } = await slices.next();
          if (done) {
            controller.close();
            return end();
          }
          controller.enqueue(value);
          waitForReader(controller);
        } catch (error) {
          controller.error(error);
          end();
        }
      },
      async cancel() {
        end();
        await slices.return(undefined);
      },
    }, { highWaterMark: 0 });
  }
}

async function* sliced(pieces: LongAnswer["pieces"]): AsyncGenerator<Uint8Array, undefined> {
  for await (const piece of pieces) {
    const bytes = typeof piece === "string" ? UTF8.encode(piece) : piece;
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
  }
}
