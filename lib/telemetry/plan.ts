import type { Temporality } from "$lib/settings.ts";
import { faultsTogether, type FaultSurroundings, type OtlpSettings, type Signal } from "$lib/settings.ts";
import type { OtlpTarget } from "$lib/telemetry/otlp.ts";

/** Where metrics are pushed, how and how often. */
export interface MetricsPlan {
  readonly target: OtlpTarget;
  readonly temporality: Temporality;
  readonly maxPoints: number;
  readonly intervalMs: number;
}

/** Something that the log says of a plan. */
export interface PlanWarning {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What telemetry is sent. */
export interface TelemetryPlan {
  readonly metrics?: MetricsPlan;
  readonly warnings: readonly PlanWarning[];
}

/** What a plan is made of besides the settings. */
export interface PlanSurroundings extends FaultSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
}

const GRPC_PORT = "4317";
const HTTP_PROTOBUF = "http/protobuf";
const MS_PER_SECOND = 1_000;
/** A value that is shorter is no key. */
const SECRET_MIN_LENGTH = 8;

/**
 * What is sent by these settings. A variable of OpenTelemetry's that can't be used switches its signal off, with a warning:
 * such variables are set for every program of a cluster at once, and none of them may stop a delivery.
 */
export function telemetryPlan(given: OtlpSettings, surroundings: PlanSurroundings): TelemetryPlan {
  const settings = withoutOverruled(given, surroundings);
  if (!settings["metrics.enabled"] || !isWanted(settings, surroundings)) return { warnings: [] };
  const reason = reasonAgainst("metrics", settings, surroundings);
  const url = metricsUrl(settings);
  if (reason !== undefined || url === undefined) {
    return { warnings: [{ message: "metrics are not sent", fields: { reason } }] };
  }
  const intervalMs = settings["otlp.metrics_interval_seconds"] * MS_PER_SECOND;
  const metrics = {
    target: { url, ...metricsTarget(settings, intervalMs) },
    temporality: settings["otlp.metrics_temporality"],
    maxPoints: settings["otlp.max_points"],
    intervalMs,
  };
  return { metrics, warnings: portWarnings(url) };
}

/** The values of headers that are sent, and of those with a scheme what follows it: what no line of a log may have. */
export function secretsOf(value: string): readonly string[] {
  const [, credentials = value] = /^[A-Za-z]+ +(\S+)$/.exec(value) ?? [];
  return [value, credentials].filter(({ length }) => length >= SECRET_MIN_LENGTH);
}

/** A variable that names an endpoint gives way to the setting of ours that does so by another name. */
function withoutOverruled(settings: OtlpSettings, { origins }: PlanSurroundings): OtlpSettings {
  const isOverruled = settings["metrics.otlp_endpoint"] !== undefined && origins.taken.has("otlp.metrics_endpoint");
  return isOverruled ? { ...settings, "otlp.metrics_endpoint": undefined } : settings;
}

/** Whether anybody asked for metrics to be sent, be it by a variable that can't be used. */
function isWanted(settings: OtlpSettings, { origins }: PlanSurroundings): boolean {
  if (settings["otlp.metrics_endpoint"] === "none") return false;
  return metricsUrl(settings) !== undefined || origins.refused.some(({ key }) => endpointKeys(settings).includes(key));
}

/** The settings that say where metrics go, of which none that another one overrules. */
function endpointKeys(settings: OtlpSettings): readonly string[] {
  if (settings["metrics.otlp_endpoint"] !== undefined) return ["metrics.otlp_endpoint"];
  return ["otlp.metrics_endpoint", ...(settings["otlp.metrics_endpoint"] === undefined ? ["otlp.endpoint"] : [])];
}

/** Why a signal is not sent after all. */
function reasonAgainst(signal: Signal, settings: OtlpSettings, surroundings: PlanSurroundings): string | undefined {
  const { env, origins } = surroundings;
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return "OTEL_SDK_DISABLED is true";
  const isEndpoint = (key: string) => key.endsWith("endpoint") && !endpointKeys(settings).includes(key);
  const refused = origins.refused.find(({ key }) => isOf(signal, key) && !isEndpoint(key));
  if (refused !== undefined) return refused.reason;
  const fault = faultsTogether(settings, surroundings).find(({ keys }) => keys.every((key) => isOf(signal, key)));
  if (fault !== undefined) {
    const variables = fault.keys.flatMap((key) => origins.taken.get(key) ?? []);
    return `${fault.text} (${variables.join(", ")})`;
  }
  return protocolFault(signal, env);
}

/** Whether a setting is about the signal, or about all of them. */
function isOf(signal: Signal, key: string): boolean {
  const [, section, named] = /^(?:(metrics)\.|otlp\.(metrics|traces|logs)_)/.exec(key) ?? [];
  return (section ?? named ?? signal) === signal;
}

function protocolFault(signal: Signal, env: PlanSurroundings["env"]): string | undefined {
  const variables = [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`, "OTEL_EXPORTER_OTLP_PROTOCOL"];
  const variable = variables.find((name) => (env[name]?.trim() ?? "") !== "");
  if (variable === undefined || env[variable]?.trim() === HTTP_PROTOBUF) return undefined;
  return `${variable} is passed over: it must be ${HTTP_PROTOBUF}`;
}

function metricsUrl(settings: OtlpSettings): URL | undefined {
  const { "otlp.metrics_endpoint": whole, "metrics.otlp_endpoint": own, "otlp.endpoint": base } = settings;
  if (whole === "none") return undefined;
  if (whole !== undefined) return whole;
  const path = "/v1/metrics";
  if (own !== undefined) return own.pathname.endsWith(path) ? own : appended(own, path);
  return base === undefined ? undefined : appended(base, path);
}

function appended(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.endsWith("/") ? base.pathname.slice(0, -1) : base.pathname}${path}`;
  return url;
}

function metricsTarget(settings: OtlpSettings, intervalMs: number): Omit<OtlpTarget, "url"> {
  return {
    headers: settings["otlp.headers"] ?? [],
    signalHeaders: settings["otlp.metrics_headers"] ?? [],
    headersFile: settings["otlp.headers_file"],
    caFile: settings["otlp.ca_file"],
    clientCertFile: settings["otlp.client_cert_file"],
    clientKeyFile: settings["otlp.client_key_file"],
    compression: settings["otlp.compression"],
    timeoutMs: Math.min(settings["otlp.timeout_seconds"] * MS_PER_SECOND, intervalMs),
  };
}

function portWarnings({ port, origin }: URL): readonly PlanWarning[] {
  if (port !== GRPC_PORT) return [];
  return [{
    message: "the endpoint has the port of OTLP over gRPC: that of http/protobuf, which is spoken, is usually 4318",
    fields: { endpoint: origin },
  }];
}
