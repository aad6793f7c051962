import { attributesOf, type ReceivedValue } from "./otlp_spans.ts";
import { Message } from "./protobuf.ts";

/** A line of a log as a receiver of OTLP finds it. */
export interface ReceivedLine {
  readonly resource: Readonly<Record<string, ReceivedValue>>;
  readonly scope: string;
  readonly timeMs: number;
  readonly severity: string;
  readonly severityNumber: number;
  readonly body: string;
  readonly attributes: Readonly<Record<string, ReceivedValue>>;
  /** Empty where the line is of no span. */
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** Reads an `ExportLogsServiceRequest`, written down from OTLP's definition and not by the library that sends it. */
export function receivedLines(request: Uint8Array): ReceivedLine[] {
  return new Message(request).messages(1).flatMap((resourceLogs) => {
    const resource = Object.assign({}, ...resourceLogs.messages(1).map((one) => attributesOf(one, 1)));
    return resourceLogs.messages(2).flatMap((scopeLogs) => {
      const scope = scopeLogs.messages(1).map((one) => one.text(1)).join("");
      return scopeLogs.messages(2).map((line) => ({ resource, scope, ...lineOf(line) }));
    });
  });
}

function lineOf(line: Message): Omit<ReceivedLine, "resource" | "scope"> {
  return {
    timeMs: Number(line.integer(1) / 1_000_000n),
    severity: line.text(3),
    severityNumber: Number(line.integer(2)),
    body: line.messages(5).map((value) => value.text(1)).join(""),
    attributes: attributesOf(line, 6),
    traceId: line.hex(9),
    spanId: line.hex(10),
    flags: Number(line.integer(8)),
  };
}
