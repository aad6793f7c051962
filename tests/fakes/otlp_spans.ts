import { Message } from "./protobuf.ts";

/** A span as a receiver of OTLP finds it. */
export interface ReceivedSpan {
  readonly resource: Readonly<Record<string, ReceivedValue>>;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  /** What vendors say of the trace; empty where none does. */
  readonly traceState: string;
  /** Empty where it has none. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  readonly startNanoseconds: bigint;
  readonly endNanoseconds: bigint;
  readonly attributes: Readonly<Record<string, ReceivedValue>>;
  /** As `<trace id>-<span id>`. */
  readonly links: readonly string[];
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string;
}

/** The value of an attribute. */
export type ReceivedValue = string | boolean | number | readonly ReceivedValue[];

const KINDS = ["internal", "server", "client", "producer", "consumer"] as const;
const STATUSES = ["unset", "ok", "error"] as const;

/** Reads an `ExportTraceServiceRequest`, written down from OTLP's definition and not by the library that sends it. */
export function receivedSpans(request: Uint8Array): ReceivedSpan[] {
  return new Message(request).messages(1).flatMap((resourceSpans) => {
    const resource = Object.assign({}, ...resourceSpans.messages(1).map((one) => attributesOf(one, 1)));
    return resourceSpans.messages(2).flatMap((scopeSpans) => {
      const scope = scopeSpans.messages(1).map((one) => one.text(1)).join("");
      return scopeSpans.messages(2).map((span) => ({ resource, scope, ...spanOf(span) }));
    });
  });
}

function spanOf(span: Message): Omit<ReceivedSpan, "resource" | "scope"> {
  const [status] = span.messages(15);
  return {
    traceId: span.hex(1),
    spanId: span.hex(2),
    traceState: span.text(3),
    parentId: span.hex(4),
    name: span.text(5),
    kind: KINDS[Number(span.integer(6)) - 1] ?? "internal",
    startNanoseconds: span.integer(7),
    endNanoseconds: span.integer(8),
    attributes: attributesOf(span, 9),
    links: span.messages(13).map((link) => `${link.hex(1)}-${link.hex(2)}`),
    status: STATUSES[Number(status?.integer(3) ?? 0n)] ?? "unset",
    statusMessage: status?.text(2) ?? "",
  };
}

/** The attributes of a message, by the number of their field. */
export function attributesOf(message: Message, number: number): Record<string, ReceivedValue> {
  return Object.fromEntries(
    message.messages(number).map((pair) => [pair.text(1), ...pair.messages(2).map(valueOf)]),
  );
}

function valueOf(value: Message): ReceivedValue {
  if (value.has(2)) return value.integer(2) === 1n;
  if (value.has(3)) return Number(BigInt.asIntN(64, value.integer(3)));
  if (value.has(4)) return value.double(4) ?? 0;
  if (value.has(5)) return value.messages(5).flatMap((list) => list.messages(1).map(valueOf));
  return value.text(1);
}
