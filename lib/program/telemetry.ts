import type { Clock } from "$lib/clock.ts";
import { newId, random } from "$lib/ids.ts";
import { type Log, type LogLine, type LogOptions, startLog, telemetryLog, tracedLog } from "$lib/log.ts";
import { createRegistry, disabledRegistry, type Registry } from "$lib/metrics.ts";
import { type Component, observeProcess } from "$lib/process_metrics.ts";
import { type Resource, resourceOf } from "$lib/resource.ts";
import type { Origins, SettingsOf, SHARED_SETTINGS } from "$lib/settings.ts";
import { type BrokerRelay, secretsOf, type TelemetryPlan, telemetryPlan } from "$lib/telemetry/plan.ts";
import type { OtlpSenders, RunningTelemetry, Telemetry } from "$lib/telemetry/telemetry.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import { VERSION } from "$lib/program/version.ts";
import { AGENT_ID_ATTRIBUTE } from "$lib/wire/agent.ts";

/** The settings that both programs have. */
export type SharedSettings = SettingsOf<typeof SHARED_SETTINGS>;

/** What a program says of itself by: its log, its metrics and its traces. */
export interface TelemetryOfProgram {
  readonly log: Log;
  /** A disabled one where `metrics.enabled` is false. */
  readonly registry: Registry;
  /** A disabled one where tracing is off. */
  readonly tracing: Tracing;
  /** What sends the program's telemetry. */
  readonly senders: OtlpSenders;
  /** To be called when the broker has said which agent the program is, and each time that it says another. */
  readonly onIdentified: (agentId: string) => void;
}

/** The same at work. */
export interface ProgramTelemetry {
  readonly parts: TelemetryOfProgram;
  /** Sends what is left of what is sent. */
  stop(): Promise<void>;
}

/** What it is made of. */
export interface ProgramTelemetryParts {
  readonly component: Component;
  readonly settings: SharedSettings;
  readonly origins: Origins;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** What the settings say of the program, by OpenTelemetry's names. */
  readonly resource: Resource | undefined;
  /** Its way to a receiver through the broker, if it has one, given who the broker says that it is. */
  readonly relayOf: (agentId: () => string | undefined) => BrokerRelay | undefined;
}

/** The log by its settings. */
export function logOf(settings: SharedSettings, more: Pick<LogOptions, "secrets" | "onLine"> = {}): Promise<Log> {
  return startLog({ level: settings["log.level"], format: settings["log.format"], ...more });
}

/** Starts the log, the metrics and, where they are on, what sends telemetry: of that nothing is loaded before. */
export async function openProgramTelemetry(parts: ProgramTelemetryParts): Promise<ProgramTelemetry> {
  const { component, settings, env, clock, origins } = parts;
  const identity = identityOf();
  const secrets = new Set(HEADER_KEYS.flatMap((key) => settings[key] ?? []).flatMap(([, value]) => secretsOf(value)));
  const relay = parts.relayOf(identity.agentId);
  const plan = telemetryPlan(settings, { env, origins, readFile: Deno.readTextFileSync, relay });
  let running: RunningTelemetry | undefined = undefined;
  const onLine = plan.logs && ((line: LogLine) => running?.logs?.add(line));
  const log = await logOf(settings, { secrets, ...(onLine && { onLine }) });
  const resource = resourceOf({ ...{ component, env, newId, log }, more: parts.resource ?? {} });
  const onSecret = (value: string) => secretsOf(value).forEach((one) => secrets.add(one));
  const telemetry = await loadTelemetry(plan, { component, env, resource, identity, clock, onSecret });
  const readers = telemetry?.readers ?? [];
  const registry = settings["metrics.enabled"] ? createRegistry({ clock, log, readers }) : disabledRegistry();
  const endObservation = observeProcess(registry, { clock, component, resource });
  running = telemetry?.start(registry);
  const { tracing = disabledTracing(), senders = {} } = running ?? {};
  return {
    parts: { log: tracedLog(log, tracing), registry, tracing, senders, onIdentified: identity.onIdentified },
    async stop() {
      await running?.stop();
      endObservation();
    },
  };
}

const HEADER_KEYS = ["otlp.headers", "otlp.metrics_headers", "otlp.traces_headers", "otlp.logs_headers"] as const;

/** Which agent the program is, once the broker has said so. */
function identityOf() {
  const { promise: identified, resolve } = Promise.withResolvers<void>();
  let agentId: string | undefined;
  return {
    identified,
    agentId: () => agentId,
    onIdentified(id: string): void {
      agentId = id;
      resolve();
    },
  };
}

interface TelemetrySurroundings extends Pick<ProgramTelemetryParts, "component" | "env" | "clock"> {
  readonly resource: Resource;
  readonly identity: ReturnType<typeof identityOf>;
  readonly onSecret: (value: string) => void;
}

/** What sends telemetry; undefined, and nothing of it loaded, where nothing is sent. */
async function loadTelemetry(
  plan: TelemetryPlan,
  { component, resource, identity: { identified, agentId }, ...parts }: TelemetrySurroundings,
): Promise<Telemetry | undefined> {
  const log = telemetryLog();
  for (const { message, fields } of plan.warnings) log.warn(message, fields);
  if (plan.metrics === undefined && plan.traces === undefined && plan.logs === undefined) return undefined;
  const { openTelemetry } = await import("$lib/telemetry/telemetry.ts");
  const userAgent = `brokkr-${component}/${VERSION}`;
  const relayed = {
    identified,
    resource: () => {
      const id = agentId();
      return id === undefined ? resource : { ...resource, [AGENT_ID_ATTRIBUTE]: id };
    },
  };
  return await openTelemetry(plan, { ...parts, log, fetch, random, userAgent, resource: () => resource, relayed });
}
