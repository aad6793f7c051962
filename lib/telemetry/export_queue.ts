import { BatchQueue, type BatchQueueParts } from "$lib/telemetry/batch_queue.ts";
import type { OtlpSender } from "$lib/telemetry/otlp.ts";
import { type ExportOutcomes, type Outcome, outcomeOf, type Sent } from "$lib/telemetry/outcomes.ts";
import { halvesOf, PartSender } from "$lib/telemetry/parts.ts";

/** What a queue of spans or lines that are sent is made of. */
export interface ExportQueueParts extends Omit<BatchQueueParts<never>, "send" | "onFull"> {
  readonly sender: Pick<OtlpSender, "send">;
  /** Bytes of one request before it is compressed. */
  readonly maxBytes: number;
  readonly outcomes: Pick<ExportOutcomes, "ended" | "queueFull">;
}

/** What items are on the wire. */
export interface ItemEncoding<Item> extends Pick<Sent, "noun" | "leftOut"> {
  /** The protobuf of a request. */
  readonly encode: (items: readonly Item[]) => Uint8Array;
}

/** A queue of what is sent once: what no receiver takes is lost. */
export function exportQueue<Item>(
  { sender, maxBytes, outcomes, ...queueing }: ExportQueueParts,
  { encode, noun, leftOut }: ItemEncoding<Item>,
): BatchQueue<Item> {
  const parts = new PartSender<readonly Item[]>({ sender, maxBytes, encode, halves: halvesOf });
  return new BatchQueue<Item>({
    ...queueing,
    async send(items) {
      const ended: Outcome[] = [];
      for await (const [part, answer] of parts.send(items)) {
        ended.push(outcomeOf(answer, { count: part.length, noun, isKept: false, leftOut }));
      }
      outcomes.ended(ended);
    },
    onFull: () => outcomes.queueFull(),
  });
}
