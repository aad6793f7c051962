import type { Clock } from "$lib/clock.ts";

/** What pacing a body takes. */
export interface PacedBodyParts {
  readonly clock: Clock;
  /** Hears once that it is over, however it ended. */
  readonly onEnd: () => void;
  /** Hears that nobody reads it on. */
  readonly onSlowReader?: (() => void) | undefined;
}

/** What is handed to the listener at once, so that a slow line is told from one that is not read. */
const SLICE_BYTES = 64 * 1024;
const UNREAD_MAX_MS = 10_000;
const UTF8 = new TextEncoder();

/**
 * A body that is handed out slice by slice as it is read, and breaks off when nobody reads it on: what a server is
 * given whole it copies, and keeps for as long as its client likes.
 *
 * @param pieces Each is made when it is asked for; where one fails the body breaks off.
 */
export function pacedBody(
  pieces: AsyncIterable<string | Uint8Array<ArrayBuffer>> | Iterable<Uint8Array<ArrayBuffer>>,
  { clock, onEnd, onSlowReader }: PacedBodyParts,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const slices = sliced(pieces);
  let cancelTimer = () => {};
  let isOver = false;
  const end = () => {
    cancelTimer();
    if (!isOver) onEnd(); // who cancels while a slice is made has its end heard of, and then that slice's
    isOver = true;
  };
  const waitForReader = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    cancelTimer = clock.after(UNREAD_MAX_MS, () => {
      onSlowReader?.();
      controller.error(new DOMException("Nobody reads the answer", "TimeoutError"));
      end();
      slices.return(undefined).catch(() => {});
    });
  };
  return new ReadableStream({
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

async function* sliced(
  pieces: AsyncIterable<string | Uint8Array<ArrayBuffer>> | Iterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  for await (const piece of pieces) {
    const bytes = typeof piece === "string" ? UTF8.encode(piece) : piece;
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
  }
}
