import { SeverityNumber, type SpanContext } from "@opentelemetry/api";
import { ProtobufLogsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { hrTime } from "$lib/hr_time.ts";
import type { LogLevel, LogLine } from "$lib/log.ts";
import { OWN_SCOPE } from "$lib/metrics/meter.ts";
import type { Resource } from "$lib/resource.ts";
import { exportQueue, type ExportQueueParts } from "$lib/telemetry/export_queue.ts";
import type { LeftOut } from "$lib/telemetry/outcomes.ts";
import { VERSION } from "$lib/program/version.ts";

/** What sending lines takes. */
export interface LogsParts extends ExportQueueParts {
  /** What lines are about, as it is known when they are sent. */
  readonly resource: () => Resource;
}

/** Lines that are sent. */
export interface RunningLogs {
  /** Takes a line, whose pieces are masked; it waits for nothing. */
  add(line: LogLine): void;
  /** Sends all lines there are. */
  flush(): Promise<void>;
}

/** The longest body, and the longest value of an attribute: what is longer is cut, once it is masked. */
const TEXT_MAX_BYTES = 4_096;
const SCOPE = { name: OWN_SCOPE, version: VERSION };
const SEVERITIES: Readonly<Record<LogLevel, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/** Sends lines of the log by OTLP, in batches. */
export function startLogs({ resource, ...queueing }: LogsParts): RunningLogs {
  const cut = cutter();
  function encode(lines: readonly LogLine[]): Uint8Array {
    const about = resourceFromAttributes(resource());
    const records = lines.map((line) => ({ ...recordOf(line, cut), resource: about, instrumentationScope: SCOPE }));
    return ProtobufLogsSerializer.serializeRequest(records) ?? new Uint8Array();
  }
  const queue = exportQueue<LogLine>(queueing, { encode, noun: "lines", leftOut });
  return { add: (line) => queue.add(line), flush: () => queue.flush() };
}

function recordOf({ timeMs, level, message, fields }: LogLine, cut: (text: string) => string) {
  const { trace_id, span_id, trace_flags, ...others } = fields;
  const spanContext = spanOf(trace_id, span_id, trace_flags);
  const attributes = spanContext === undefined ? fields : others;
  return {
    hrTime: hrTime(timeMs),
    hrTimeObserved: hrTime(timeMs),
    severityNumber: SEVERITIES[level],
    severityText: level.toUpperCase(),
    body: cut(message),
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, typeof value === "string" ? cut(value) : value]),
    ),
    droppedAttributesCount: 0,
    ...(spanContext && { spanContext }),
  };
}

/** The span that the fields of a traced line name. */
function spanOf(traceId: unknown, spanId: unknown, flags: unknown): SpanContext | undefined {
  if (typeof traceId !== "string" || typeof spanId !== "string" || typeof flags !== "string") return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** Cuts texts so that their UTF-8 is not too long, between two characters. */
function cutter(): (text: string) => string {
  const encoder = new TextEncoder();
  const room = new Uint8Array(TEXT_MAX_BYTES);
  return (text) => {
    const { read } = encoder.encodeInto(text, room);
    return read === text.length ? text : text.slice(0, read);
  };
}

function leftOut(body: Uint8Array): LeftOut {
  const { rejectedLogRecords: count = 0, errorMessage: message = "" } =
    ProtobufLogsSerializer.deserializeResponse(body).partialSuccess ?? {};
  return { count, message };
}
