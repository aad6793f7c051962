import type { SpanContext } from "@opentelemetry/api";
import { configure, getLogger, type Logger, type LogRecord, reset } from "@logtape/logtape";
import { flagsText, isSampled } from "$lib/traceparent.ts";
import type { Tracing } from "$lib/tracing.ts";

/**
 * How much a log line matters: `error` means someone should act; a retry is `warn`; a turn that did nothing is `debug`.
 */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How lines look: for people or for machines. */
export const LOG_FORMATS = ["text", "json"] as const;
/** One of {@linkcode LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What a line says beside its constant message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines: a constant lower-case message plus fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A line in pieces, each of them masked. */
export interface LogLine {
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly message: string;
  /** What is no number, text or boolean, as JSON. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** Where lines go and which. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Further texts that no line may have, as they are at each line. */
  readonly secrets?: ReadonlySet<string>;
  /** Takes one line without its line feed; the default writes to standard error. */
  readonly write?: (line: string) => void;
  /** Hears of each line besides, but of those of {@linkcode telemetryLog}. */
  readonly onLine?: (line: LogLine) => void;
}

const CATEGORY = "brokkr";
const TELEMETRY = "telemetry";
const LOGTAPE_LEVEL = { debug: "debug", info: "info", warn: "warning", error: "error" } as const;
const LEVEL_OF: Readonly<Record<LogRecord["level"], LogLevel>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  fatal: "error",
};
const KEY = /(brokkr_[^_\s]+_)([A-Za-z0-9]+)/g;
const OWN_KEY = "brokkr_BR";
/** From this length on it is taken for a key that `broker.pak_hash` was made of elsewhere, not for part of a name. */
const FOREIGN_KEY_MIN = 20;
const BEARER_TOKEN = /(Bearer )[A-Za-z0-9._~+/=-]+/gi;
const WORD = /[^\s"]+/g;
const AUTHORITY = "://";
const USER_AND_COLON = /:\/\/[^:/@]*:/;

/** The text with every key, password in a URL and bearer token masked. */
export function withoutSecrets(text: string): string {
  const masked = text.replace(KEY, maskedKey).replace(BEARER_TOKEN, "$1***");
  return masked.includes(AUTHORITY) ? masked.replace(WORD, maskedPassword) : masked;
}

function maskedKey(whole: string, prefix: string, token: string): string {
  return prefix.startsWith(OWN_KEY) || token.length >= FOREIGN_KEY_MIN ? `${prefix}***` : whole;
}

/** A word without the password of a URL in it: all from the colon behind a user to the word's last at sign. */
function maskedPassword(word: string): string {
  const end = word.lastIndexOf("@");
  const { index } = USER_AND_COLON.exec(word.slice(0, Math.max(end, 0))) ?? {};
  if (index === undefined) return word;
  const colon = word.indexOf(":", index + AUTHORITY.length);
  return `${word.slice(0, colon)}:***${word.slice(end)}`;
}

/** Starts logging for this process, once, in `main.ts`. */
export async function startLog(
  { level, format, secrets = new Set(), write = writeToStderr, onLine }: LogOptions,
): Promise<Log> {
  const line = format === "json" ? jsonLine : textLine;
  const masked = (text: string) => withoutSecrets(withoutTexts(text, secrets));
  function out(record: LogRecord): void {
    write(masked(line(record)));
    if (!record.category.includes(TELEMETRY)) onLine?.(lineOf(record, masked));
  }
  await reset();
  await configure({
    sinks: { out },
    loggers: [
      { category: [CATEGORY], sinks: ["out"], lowestLevel: LOGTAPE_LEVEL[level] },
      { category: ["logtape", "meta"], sinks: ["out"], lowestLevel: "error" },
    ],
  });
  return linesOf(getLogger([CATEGORY]));
}

/**
 * The log of this process, once it is started, for lines about what is sent: these are written, and never sent, as each
 * line that is sent would bring about another one where sending fails.
 */
export function telemetryLog(): Log {
  return linesOf(getLogger([CATEGORY, TELEMETRY]));
}

function linesOf(logger: Logger): Log {
  return logBy((level, message, fields) => logger[level](message, { ...fields }));
}

/** A log of which each level does the same. */
function logBy(write: (level: LogLevel, message: string, fields?: LogFields) => void): Log {
  const at = (level: LogLevel): Log[LogLevel] => (message, fields) => write(level, message, fields);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function lineOf({ timestamp, level, rawMessage, properties }: LogRecord, masked: (text: string) => string): LogLine {
  const fields = Object.entries(printable(properties)).map(([name, value]) => [name, pieceOf(value, masked)]);
  const message = masked(String(rawMessage));
  return { timeMs: timestamp, level: shortLevel(level), message, fields: Object.fromEntries(fields) };
}

function pieceOf(value: unknown, masked: (text: string) => string): string | number | boolean {
  if (typeof value === "number" || typeof value === "boolean") return value;
  return masked(typeof value === "string" ? value : JSON.stringify(value) ?? "");
}

/** A text stands in a line as it is, or as JSON has it. */
function withoutTexts(line: string, secrets: ReadonlySet<string>): string {
  let masked = line;
  for (const secret of secrets) {
    for (const text of new Set([JSON.stringify(secret).slice(1, -1), secret])) masked = masked.replaceAll(text, "***");
  }
  return masked;
}

/** A log whose lines say of which sampled work they are, by the names that OpenTelemetry gives such fields. */
export function tracedLog(log: Log, tracing: Pick<Tracing, "isOn" | "current">): Log {
  if (!tracing.isOn) return log;
  return logBy((level, message, fields) => {
    const span = tracing.current()?.context;
    log[level](message, span === undefined ? fields : { ...fields, ...traceFields(span) });
  });
}

/** The fields that say of which span a line is; of one that is not sampled, or of none, there are none. */
export function traceFields(span: SpanContext | undefined): LogFields {
  if (span === undefined || !isSampled(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId, trace_flags: flagsText(span.traceFlags) };
}

function writeToStderr(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

function jsonLine({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const own = { time: new Date(timestamp).toISOString(), level: shortLevel(level), message: String(rawMessage) };
  return JSON.stringify({ ...own, ...printable(properties), ...own });
}

function textLine({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const fields = Object.entries(printable(properties)).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${new Date(timestamp).toISOString()} ${shortLevel(level).padEnd(5)} ${String(rawMessage)}${fields.join("")}`;
}

function shortLevel(level: LogRecord["level"]): LogLevel {
  return LEVEL_OF[level];
}

/**
 * Errors become their message and the messages of their causes: a stack says nothing to an operator. A field that is
 * undefined says nothing either.
 */
function printable(fields: LogFields): Record<string, unknown> {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said.map(([name, value]) => [name, value instanceof Error ? messages(value) : value]));
}

/** What a message has of its cause's already is not said twice. */
function messages({ message, cause }: Error): string {
  let text = message;
  for (; cause instanceof Error; cause = cause.cause) if (!text.includes(cause.message)) text += `: ${cause.message}`;
  return text;
}
