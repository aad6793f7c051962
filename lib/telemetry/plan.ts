import {
  BROKER,
  exporterName,
  faultsTogether,
  type FaultSurroundings,
  namesOtlp,
  type Origins,
  type OtlpSettings,
  type Signal,
  SIGNALS,
  type Temporality,
} from "$lib/settings.ts";
import { settingsOfSignal } from "$lib/settings/signal_variables.ts";
import type { OtlpTarget } from "$lib/telemetry/otlp.ts";

/** Where metrics are pushed, how and how often. */
export interface MetricsPlan {
  readonly target: OtlpTarget;
  readonly temporality: Temporality;
  readonly maxPoints: number;
  readonly intervalMs: number;
}

/** Where traces go, and what is traced. */
export interface TracesPlan {
  readonly target: OtlpTarget;
  /** Of what nobody decided before: from 0 to 1. */
  readonly ratio: number;
  readonly followsParent: boolean;
  readonly maxFollowedPerSecond: number;
}

/** Where lines of the log go. */
export interface LogsPlan {
  readonly target: OtlpTarget;
}

/** Something that the log says of a plan. */
export interface PlanWarning {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What telemetry is sent. */
export interface TelemetryPlan {
  readonly metrics?: MetricsPlan;
  readonly traces?: TracesPlan;
  readonly logs?: LogsPlan;
  readonly warnings: readonly PlanWarning[];
}

/** The way to a receiver through the broker, for agents that reach nothing else. */
export interface BrokerRelay extends Pick<OtlpTarget, "caFile" | "clientCertFile" | "clientKeyFile" | "names"> {
  /** Where a path of OTLP is, once the broker has said who the agent is. */
  readonly urlOf: (path: string) => URL | undefined;
  readonly key: () => Promise<string>;
}

/** What a plan is made of besides the settings. */
export interface PlanSurroundings extends FaultSurroundings {
  /** Of agents alone. */
  readonly relay?: BrokerRelay | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const GRPC_PORT = "4317";
const HTTP_PROTOBUF = "http/protobuf";
const MS_PER_SECOND = 1_000;
/** A value that is shorter is no key. */
const SECRET_MIN_LENGTH = 8;

/**
 * What is sent by these settings. A variable of OpenTelemetry's that can't be used switches its signal off, with a
 * warning: such variables are set for every program of a cluster at once, and none of them may stop a delivery.
 */
export function telemetryPlan(given: OtlpSettings, surroundings: PlanSurroundings): TelemetryPlan {
  const common = { settings: withoutOverruled(given, surroundings), origins: surroundings.origins };
  const settingsOf = (signal: Signal) => settingsOfSignal(signal, common, surroundings.env);
  const ways = SIGNALS.flatMap((signal) => {
    const { settings, origins } = settingsOf(signal);
    return wayOf(signal, settings, { ...surroundings, origins });
  });
  const [metrics, traces, logs] = SIGNALS.map((signal) => ways.find((way) => way.signal === signal)?.url);
  const urls = ways.flatMap(({ url }) => url instanceof URL ? [url] : []);
  const { relay, env } = surroundings;
  const target = (signal: Signal, url: OtlpTarget["url"]) => targetOf(signal, url, { ...settingsOf(signal), relay });
  return {
    ...(metrics && { metrics: metricsPlan(target("metrics", metrics), given) }),
    ...(traces && { traces: tracesPlan(target("traces", traces), given) }),
    ...(logs && { logs: { target: target("logs", logs) } }),
    warnings: [
      ...ways.flatMap(({ signal, reason }) => reason === undefined ? [] : [notSent(signal, reason)]),
      ...(traces === undefined ? [] : propagatorWarnings(env)),
      ...portWarnings(urls),
    ],
  };
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

/** Where a signal goes that somebody asked for, or why it goes nowhere. */
interface Way {
  readonly signal: Signal;
  readonly url?: OtlpTarget["url"] | undefined;
  readonly reason?: string | undefined;
}

/** Nothing where nobody asked for the signal, be it by a variable that can't be used. */
function wayOf(signal: Signal, settings: OtlpSettings, surroundings: PlanSurroundings): readonly Way[] {
  const { origins, env } = surroundings;
  const keys = endpointKeys(signal, settings);
  const isRefused = origins.refused.some(({ key }) => keys.includes(key));
  const url = urlOf(signal, settings, surroundings.relay);
  const exporter = exporterName(signal);
  const isAskedFor = url !== undefined || isRefused || namesOtlp(env[exporter] ?? "");
  if (!isOn(signal, settings, origins) || !isAskedFor) return [];
  const reason = reasonAgainst(signal, settings, surroundings);
  if (reason === undefined && url !== undefined) return [{ signal, url }];
  return [{ signal, reason: reason ?? `${exporter} is otlp: it wants otlp.${signal}_endpoint or otlp.endpoint` }];
}

function isOn(signal: Signal, settings: OtlpSettings, { refused, defaults }: Origins): boolean {
  const key = `otlp.${signal}_endpoint` as const;
  const isNamed = settings[key] !== undefined || refused.some((one) => one.key === key);
  if (settings[key] === "none") return false;
  if (signal === "metrics") return settings["metrics.enabled"];
  if (signal === "traces") return settings["tracing.enabled"] ?? (isNamed || settings["tracing.sample_ratio"] > 0);
  return settings["otlp.logs"] || (isNamed && defaults.has("otlp.logs"));
}

/** The settings that say where a signal goes, of which none that another one overrules. */
function endpointKeys(signal: Signal, settings: OtlpSettings): readonly string[] {
  if (signal === "metrics" && settings["metrics.otlp_endpoint"] !== undefined) return ["metrics.otlp_endpoint"];
  const key = `otlp.${signal}_endpoint` as const;
  return [key, ...(settings[key] === undefined ? ["otlp.endpoint"] : [])];
}

/** Why a signal is not sent after all. */
function reasonAgainst(signal: Signal, settings: OtlpSettings, surroundings: PlanSurroundings): string | undefined {
  const { env, origins } = surroundings;
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return "OTEL_SDK_DISABLED is true";
  const keys = endpointKeys(signal, settings);
  const isOther = (key: string) => key.endsWith("endpoint") && !keys.includes(key);
  const refused = origins.refused.find(({ key }) => isOf(signal, key) && !isOther(key));
  if (refused !== undefined) return refused.reason;
  const fault = faultsTogether(settings, surroundings).find(({ keys }) => keys.every((key) => isOf(signal, key)));
  if (fault !== undefined) {
    const variables = fault.keys.flatMap((key) => origins.taken.get(key) ?? []);
    return `${fault.text} (${variables.join(", ")})`;
  }
  return protocolFault(signal, env) ?? (signal === "traces" ? runtimeFault(env) : undefined);
}

/** Whether a setting is about the signal, or about all of them. */
function isOf(signal: Signal, key: string): boolean {
  if (key.startsWith("tracing.")) return signal === "traces";
  const [, section, named] = /^(?:(metrics)\.|otlp\.(metrics|traces|logs)(?:_|$))/.exec(key) ?? [];
  return (section ?? named ?? signal) === signal;
}

function protocolFault(signal: Signal, env: PlanSurroundings["env"]): string | undefined {
  const variables = [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`, "OTEL_EXPORTER_OTLP_PROTOCOL"];
  const variable = variables.find((name) => (env[name]?.trim() ?? "") !== "");
  if (variable === undefined || env[variable]?.trim().toLowerCase() === HTTP_PROTOBUF) return undefined;
  return `${variable} is passed over: it must be ${HTTP_PROTOBUF}`;
}

/** Deno's own tracing would append a second `traceparent` to each request, and so make it none. */
function runtimeFault(env: PlanSurroundings["env"]): string | undefined {
  const isOn = (value = "") => ["true", "1"].includes(value.trim().toLowerCase());
  const variable = Object.keys(env).find((name) => /^OTEL_DENO(_|$)/.test(name) && isOn(env[name]));
  return variable === undefined ? undefined : `${variable} switches Deno's own tracing on`;
}

function urlOf(signal: Signal, settings: OtlpSettings, relay: BrokerRelay | undefined): Way["url"] {
  const whole = settings[`otlp.${signal}_endpoint`];
  if (whole !== undefined) return whole === "none" ? undefined : whole;
  const [own, base] = [signal === "metrics" ? settings["metrics.otlp_endpoint"] : undefined, settings["otlp.endpoint"]];
  const path = `/v1/${signal}`;
  if (own !== undefined) return own.pathname.endsWith(path) ? own : appended(own, path);
  if (base === BROKER) return relay && (() => relay.urlOf(path));
  return base === undefined ? undefined : appended(base, path);
}

function appended(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.endsWith("/") ? base.pathname.slice(0, -1) : base.pathname}${path}`;
  return url;
}

function metricsPlan({ timeoutMs, ...target }: OtlpTarget, settings: OtlpSettings): MetricsPlan {
  const intervalMs = settings["otlp.metrics_interval_seconds"] * MS_PER_SECOND;
  return {
    target: { ...target, timeoutMs: Math.min(timeoutMs, intervalMs) },
    temporality: settings["otlp.metrics_temporality"],
    maxPoints: settings["otlp.max_points"],
    intervalMs,
  };
}

function tracesPlan(target: OtlpTarget, settings: OtlpSettings): TracesPlan {
  return {
    target,
    ratio: settings["tracing.sample_ratio"],
    followsParent: settings["tracing.follow_parent"],
    maxFollowedPerSecond: settings["tracing.max_followed_per_second"],
  };
}

interface TargetParts {
  readonly settings: OtlpSettings;
  readonly relay: BrokerRelay | undefined;
}

/** Headers and certificates for a receiver are not the broker's, which has its own. */
function targetOf(signal: Signal, url: OtlpTarget["url"], { settings, relay }: TargetParts): OtlpTarget {
  const sending = {
    compression: settings["otlp.compression"],
    maxBytes: settings["otlp.max_bytes"],
    timeoutMs: settings["otlp.timeout_seconds"] * MS_PER_SECOND,
  };
  if (!(url instanceof URL) && relay !== undefined) {
    const { urlOf: _, ...connection } = relay;
    return { url, ...sending, ...connection, headers: [], signalHeaders: [], headersFile: undefined };
  }
  return {
    url,
    ...sending,
    headers: settings["otlp.headers"] ?? [],
    signalHeaders: settings[`otlp.${signal}_headers`] ?? [],
    headersFile: settings["otlp.headers_file"],
    caFile: settings["otlp.ca_file"],
    clientCertFile: settings["otlp.client_cert_file"],
    clientKeyFile: settings["otlp.client_key_file"],
  };
}

function notSent(signal: Signal, reason: string): PlanWarning {
  return { message: `${signal} are not sent`, fields: { reason } };
}

/** Programs of ours go on with traces by one header alone, whatever the variable says. */
function propagatorWarnings({ OTEL_PROPAGATORS: written = "" }: PlanSurroundings["env"]): readonly PlanWarning[] {
  const names = written.split(",").map((name) => name.trim().toLowerCase()).filter((name) => name !== "");
  if (names.length === 0 || names.includes("tracecontext")) return [];
  return [{ message: "OTEL_PROPAGATORS is passed over: traces go on by tracecontext alone", fields: {} }];
}

function portWarnings(urls: readonly URL[]): readonly PlanWarning[] {
  const origins = new Set(urls.filter(({ port }) => port === GRPC_PORT).map(({ origin }) => origin));
  return [...origins].map((endpoint) => ({
    message: "the endpoint has the port of OTLP over gRPC: that of http/protobuf, which is spoken, is usually 4318",
    fields: { endpoint },
  }));
}
