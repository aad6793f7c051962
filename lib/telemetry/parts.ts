import type { OtlpAnswer, OtlpSender } from "$lib/telemetry/otlp.ts";

/** What sending in parts takes. */
export interface PartSenderParts<Batch> {
  readonly sender: Pick<OtlpSender, "send">;
  /** Bytes of a request before it is compressed: what is more is cut, as far as it can be. */
  readonly maxBytes: number;
  /** The protobuf of a request. */
  readonly encode: (batch: Batch) => Uint8Array;
  /** The two halves of a batch; nothing where it is of one item. */
  readonly halves: (batch: Batch) => readonly Batch[];
}

/** A part that was sent, and what became of it. */
export type SentPart<Batch> = readonly [part: Batch, answer: OtlpAnswer];

/** A receiver that takes no request of so many bytes refuses it for another reason, or takes nothing at all. */
const LEARNED_MIN_BYTES = 16_384;

/**
 * Sends batches in requests of so many bytes. What a receiver refuses as too large (413) is sent once more in halves,
 * and what comes after it is cut beforehand.
 */
export class PartSender<Batch> {
  readonly #parts: PartSenderParts<Batch>;
  #maxBytes: number;

  constructor(parts: PartSenderParts<Batch>) {
    this.#parts = parts;
    this.#maxBytes = parts.maxBytes;
  }

  /** Sends one part after the other; whoever has heard enough leaves the rest unsent. */
  async *send(batch: Batch): AsyncGenerator<SentPart<Batch>> {
    const { sender, encode, halves } = this.#parts;
    const payload = encode(batch);
    const parts = halves(batch);
    if (parts.length === 0 || payload.length <= this.#maxBytes) {
      const answer = await sender.send(payload);
      const isCut = parts.length > 0 && payload.length > LEARNED_MIN_BYTES && isTooLarge(answer);
      if (!isCut) return yield [batch, answer];
      this.#maxBytes = Math.max(LEARNED_MIN_BYTES, Math.min(this.#maxBytes, Math.ceil(payload.length / 2)));
    }
    for (const part of parts) yield* this.send(part);
  }
}

/** The two halves of a list. */
export function halvesOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const middle = Math.ceil(items.length / 2);
  return items.length < 2 ? [] : [items.slice(0, middle), items.slice(middle)];
}

function isTooLarge(answer: OtlpAnswer): boolean {
  return answer.kind === "rejected" && answer.isTooLarge;
}
