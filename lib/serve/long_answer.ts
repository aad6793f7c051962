import { pacedBody, type PacedBodyParts } from "$lib/serve/paced_body.ts";

/** Longer answers are paced: many that nobody reads, on one connection even, would fill the memory. */
const SHORT_MAX_BYTES = 16 * 1024;
const UTF8 = new TextEncoder();

/** How an answer begins. */
export interface AnswerHead {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * An answer that is there as a whole and too long to be handed over like that. Its bytes may be those of others, too.
 */
export class LongAnswer extends Response {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>, { status, headers }: AnswerHead) {
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    }, { highWaterMark: 0 });
    super(body, { status, headers: { ...headers, "content-length": String(bytes.length) } });
    this.#bytes = bytes;
  }

  /** The same, handed out as fast as it is read. */
  paced(parts: PacedBodyParts): Response {
    const { status, headers } = this;
    return new Response(pacedBody([this.#bytes], parts), { status, headers });
  }
}

/** An answer with this body, of whatever length. */
export function answerOf(body: string | Uint8Array<ArrayBuffer>, head: AnswerHead): Response {
  if (body.length <= SHORT_MAX_BYTES) return new Response(body, head);
  return new LongAnswer(typeof body === "string" ? UTF8.encode(body) : body, head);
}
