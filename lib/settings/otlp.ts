import { type Fallback, setting, type SettingsOf } from "$lib/settings/declaration.ts";
import { headerList } from "$lib/settings/headers.ts";
import type { SentLogsSettings } from "$lib/settings/sent_logs.ts";
import type { TracingSettings } from "$lib/settings/tracing.ts";
import { choice, integer, seconds, type SettingType, text, url } from "$lib/settings/types.ts";

/** What OpenTelemetry calls the kinds of telemetry. */
export const SIGNALS = ["metrics", "traces", "logs"] as const;
/** One of {@linkcode SIGNALS}. */
export type Signal = (typeof SIGNALS)[number];

/** How the values of a series follow each other. */
export const TEMPORALITIES = ["cumulative", "delta", "lowmemory"] as const;
/** One of {@linkcode TEMPORALITIES}. */
export type Temporality = (typeof TEMPORALITIES)[number];

/** Where an agent sends telemetry that reaches nothing but its broker. */
export const BROKER = "broker";

const MS_PER_SECOND = 1_000;
const TIMEOUT_SECONDS = { min: 0.1, max: 3_600 };
const INTERVAL_SECONDS = { min: 1, max: 86_400 };
/** Those of OpenTelemetry's that send nothing by OTLP. */
const OTHER_EXPORTERS = ["none", "console", "logging", "prometheus", "zipkin", "jaeger"];

/** The settings of what is sent by OTLP, and of metrics that are, the same in both programs. */
export const OTLP_SETTINGS = [
  setting({
    key: "otlp.endpoint",
    type: endpointOrBroker(),
    fallbacks: [{
      variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
      expects: endpoint().expects,
      // A word of ours, which variables for all programs don't have.
      read: (text) => text === BROKER ? `${BROKER}:` : text,
    }],
    help:
      "The base URL of what takes OTLP over HTTP (protobuf), such as an OpenTelemetry Collector: `/v1/metrics`, `/v1/traces` and `/v1/logs` are appended, also after a path. Metrics are sent there, traces where tracing.enabled says so, and lines of the log where otlp.logs does. At an agent also `broker`: then the broker passes them on to where it sends its own.",
  }),
  setting({
    key: "otlp.metrics_endpoint",
    type: endpointOrNone(),
    fallbacks: [exporterVariable("metrics"), { variable: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" }],
    help: "Where metrics are sent, the URL used as it is; `none` sends none.",
  }),
  setting({
    key: "metrics.otlp_endpoint",
    type: endpoint(),
    help:
      "A base URL for metrics alone: `/v1/metrics` is appended, unless its path ends so. Not beside otlp.metrics_endpoint.",
  }),
  setting({
    key: "otlp.headers",
    type: headerList(),
    secret: true,
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_HEADERS" }],
    help: "Headers of every request that sends telemetry, such as a backend's key.",
  }),
  setting({
    key: "otlp.metrics_headers",
    type: headerList(),
    secret: true,
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_METRICS_HEADERS" }],
    help: "Headers of requests that send metrics, beside otlp.headers and before those of the same name.",
  }),
  setting({
    key: "otlp.headers_file",
    type: text(),
    help:
      "A file of headers, in lines or separated by commas, before those of the same name in otlp.headers; read at each request, so that a rotated key is used at once.",
  }),
  setting({
    key: "otlp.ca_file",
    type: text(),
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_CERTIFICATE" }],
    help:
      "A file of certificate authorities (PEM) that may vouch for the receiver, beside those of the system; read again when it changes.",
  }),
  setting({
    key: "otlp.client_cert_file",
    type: text(),
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" }],
    help: "The certificate (PEM) that the program shows to the receiver; read again when it changes.",
  }),
  setting({
    key: "otlp.client_key_file",
    type: text(),
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_CLIENT_KEY" }],
    help: "The key (PEM) of otlp.client_cert_file.",
  }),
  setting({
    key: "otlp.compression",
    type: choice(["gzip", "none"]),
    default: "gzip",
    fallbacks: [{ variable: "OTEL_EXPORTER_OTLP_COMPRESSION", read: (text) => text.toLowerCase() }],
    help: "How what is sent is compressed.",
  }),
  setting({
    key: "otlp.timeout_seconds",
    type: seconds(TIMEOUT_SECONDS),
    default: 10,
    fallbacks: [inMilliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT_SECONDS)],
    help:
      "How long one request may take, with everything that is tried again: not more than the interval, to which the default gives way.",
  }),
  setting({
    key: "otlp.metrics_interval_seconds",
    type: seconds(INTERVAL_SECONDS),
    default: 60,
    fallbacks: [inMilliseconds("OTEL_METRIC_EXPORT_INTERVAL", INTERVAL_SECONDS)],
    help: "How often metrics are sent, give or take a fifth, so that many programs do not send at once.",
  }),
  setting({
    key: "otlp.metrics_temporality",
    type: choice(TEMPORALITIES),
    default: "cumulative",
    fallbacks: [{
      variable: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
      read: (text) => text.toLowerCase(),
    }],
    help:
      "Whether counters and histograms are sent as they are since the start, or as what came since they were last sent: some backends take only `delta`. `lowmemory` differs from it for instruments of other libraries alone.",
  }),
  setting({
    key: "otlp.max_points",
    type: integer({ min: 1, max: 100_000 }),
    default: 1_000,
    help: "Maximum number of data points in one request; more are sent in several.",
  }),
  setting({
    key: "otlp.max_bytes",
    type: integer({ min: 16_384, max: 4_000_000 }),
    default: 500_000,
    help:
      "Maximum size of one request before it is compressed, in bytes; more is sent in several. What a receiver refuses with 413 is sent once more in halves.",
  }),
] as const;

/**
 * The values of {@linkcode OTLP_SETTINGS}, those of tracing and of log lines, and what decides whether there are
 * metrics.
 */
export type OtlpSettings = SettingsOf<typeof OTLP_SETTINGS> & TracingSettings & SentLogsSettings & {
  readonly "metrics.enabled": boolean;
};

function endpoint(): SettingType<URL> {
  const { expects, parse } = url(["http", "https"]);
  return {
    expects: `${expects}, without a user`,
    parse(text) {
      const parsed = parse(text);
      return parsed === undefined || parsed.value.username + parsed.value.password !== "" ? undefined : parsed;
    },
  };
}

function endpointOrBroker(): SettingType<URL | typeof BROKER> {
  const { expects, parse } = endpoint();
  return { expects: `${expects}, or ${BROKER}`, parse: (text) => text === BROKER ? { value: BROKER } : parse(text) };
}

/** Where a signal goes, or that it goes nowhere. */
export function endpointOrNone(): SettingType<URL | "none"> {
  const { expects, parse } = endpoint();
  return { expects: `${expects}, or none`, parse: (text) => text === "none" ? { value: text } : parse(text) };
}

/** The variable of OpenTelemetry's that says by which exporters a signal is sent. */
export function exporterName(signal: Signal): string {
  return `OTEL_${signal.toUpperCase()}_EXPORTER`;
}

/** `otlp` asks for a signal that is not sent by default. */
export function exporterWord(signal: Signal): Fallback {
  return { variable: exporterName(signal), read: (text) => namesOtlp(text) ? "true" : undefined };
}

/** Whether the text of an {@linkcode exporterName} has OTLP among its exporters. */
export function namesOtlp(text: string): boolean {
  return exportersIn(text).includes("otlp");
}

/** `none`, or exporters that are not ours, switch a signal off. */
export function exporterVariable(signal: Signal): Fallback {
  return {
    variable: exporterName(signal),
    expects: "otlp or none",
    read(text) {
      const names = exportersIn(text);
      if (names.length === 0 || names.includes("otlp")) return undefined;
      return names.every((name) => OTHER_EXPORTERS.includes(name)) ? "none" : text;
    },
  };
}

function exportersIn(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim().toLowerCase()).filter((name) => name !== "");
}

function inMilliseconds(variable: string, { min, max }: { readonly min: number; readonly max: number }): Fallback {
  return {
    variable,
    expects: `a whole number of milliseconds from ${min * MS_PER_SECOND} to ${max * MS_PER_SECOND}`,
    read: (text) => /^\d{1,12}$/.test(text) ? String(Number(text) / MS_PER_SECOND) : `${text} ms`,
  };
}
