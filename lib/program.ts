import { type Clock, systemClock } from "$lib/clock.ts";
import type { Command, Outcome } from "$lib/command.ts";
import { messageOf } from "$lib/error.ts";
import { newId, random } from "$lib/ids.ts";
import {
  type Log,
  type LogLine,
  type LogOptions,
  startLog,
  telemetryLog,
  tracedLog,
  withoutSecrets,
} from "$lib/log.ts";
import { createRegistry, disabledRegistry, type Registry } from "$lib/metrics.ts";
import { type Component, observeProcess } from "$lib/process_metrics.ts";
import { type Resource, resourceOf } from "$lib/resource.ts";
import {
  type CommandDeclaration,
  type Declarations,
  type Reading,
  readSettings,
  type Setting,
  type SettingsOf,
  SHARED_SETTINGS,
} from "$lib/settings.ts";
import { helpAsked } from "$lib/settings/help.ts";
import { type BrokerRelay, secretsOf, type TelemetryPlan, telemetryPlan } from "$lib/telemetry/plan.ts";
import type { OtlpSenders, RunningTelemetry, Telemetry } from "$lib/telemetry/telemetry.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import { REVISION, VERSION } from "$lib/version.ts";
import { AGENT_ID_ATTRIBUTE } from "$lib/wire/agent.ts";

/** What both programs are made of. */
export interface ProgramParts {
  readonly clock: Clock;
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

/** A program at work. */
export interface RunningProgram {
  /** Finishes what is in hand. */
  stop(): Promise<void>;
  /** Rejects when the program can't go on. */
  readonly failed?: Promise<never>;
}

/** A program, from the command line to its end. */
export interface Program<D extends readonly Setting[]> {
  /** As lines of the log name it; its user calls it `brokkr-<name>`. */
  readonly name: Component;
  readonly declarations: Declarations<D>;
  /** What its settings say of it, by OpenTelemetry's names. */
  readonly resource?: (settings: SettingsOf<D>) => Resource;
  /** Its way to a receiver of telemetry through the broker, given who the broker says that it is. */
  readonly relay?: (settings: SettingsOf<D>, agentId: () => string | undefined) => BrokerRelay;
  /** Its lasting work, which {@linkcode Program.start} starts: what it does when told nothing else. */
  readonly work: CommandDeclaration;
  /** What else it can be told to do. */
  readonly commands: readonly Command<D>[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** @throws What makes the program unable to start. */
  start(settings: SettingsOf<D>, parts: ProgramParts): Promise<RunningProgram>;
}

const FAILED = 1;
const HEADER_KEYS = ["otlp.headers", "otlp.metrics_headers", "otlp.traces_headers", "otlp.logs_headers"] as const;
type SharedSettings = SettingsOf<typeof SHARED_SETTINGS>;

/** Reads the settings and does what the command line says, its work until SIGTERM or SIGINT; the exit code, 0 or 1. */
export async function runProgram<D extends readonly Setting[]>(program: Program<D>): Promise<number> {
  try {
    const help = helpAsked({ ...subjectOf(program), settings: program.declarations.settings }, program.args);
    if (help !== undefined) return print(help);
    const { commands } = subjectOf(program);
    const { args, env } = program;
    const reading = readSettings(program.declarations, { args, env, readFile: Deno.readTextFileSync, commands });
    if (reading.printsSettings) return print(reading.text);
    const command = program.commands.find(({ words }) => words === reading.command?.words);
    if (command === undefined) return await work(program, reading);
    return show(await command.run(reading, { env, ...await commandParts(reading.settings) }));
  } catch (error) {
    console.error(withoutSecrets(messageOf(error)));
    return FAILED;
  }
}

function subjectOf<D extends readonly Setting[]>({ name, work, commands }: Program<D>) {
  return { program: `brokkr-${name}`, commands: [work, ...commands] as const };
}

function print(text: string): 0 {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  return 0;
}

/** The answer alone goes to standard output, so that `$(…)` catches it and nothing else. */
function show({ answer, notes }: Outcome): 0 {
  for (const note of notes) console.error(note);
  return answer === undefined ? 0 : print(`${answer}\n`);
}

async function commandParts(settings: unknown) {
  return { clock: systemClock(), log: await logOf(settings as SharedSettings), fetch };
}

function logOf(settings: SharedSettings, more: Pick<LogOptions, "secrets" | "onLine"> = {}): Promise<Log> {
  return startLog({ level: settings["log.level"], format: settings["log.format"], ...more });
}

async function work<D extends readonly Setting[]>(program: Program<D>, reading: Reading<D>): Promise<number> {
  const { settings } = reading;
  const shared = settings as unknown as SharedSettings;
  const { name: component, env } = program;
  const headers = HEADER_KEYS.flatMap((key) => shared[key] ?? []);
  const secrets = new Set(headers.flatMap(([, value]) => secretsOf(value)));
  const identity = identityOf();
  const relay = program.relay?.(settings, identity.agentId);
  const plan = telemetryPlan(shared, { env, origins: reading.origins, readFile: Deno.readTextFileSync, relay });
  let running: RunningTelemetry | undefined = undefined;
  const onLine = plan.logs && ((line: LogLine) => running?.logs?.add(line));
  const log = await logOf(shared, { secrets, ...(onLine && { onLine }) });
  const clock = systemClock();
  const resource = resourceOf({ ...{ component, env, newId, log }, more: program.resource?.(settings) ?? {} });
  const onSecret = (value: string) => secretsOf(value).forEach((one) => secrets.add(one));
  const telemetry = await loadTelemetry(plan, { component, env, resource, identity, clock, onSecret });
  const readers = telemetry?.readers ?? [];
  const registry = shared["metrics.enabled"] ? createRegistry({ clock, log, readers }) : disabledRegistry();
  const endObservation = observeProcess(registry, { clock, component, resource });
  running = telemetry?.start(registry);
  const tracing = running?.tracing ?? disabledTracing();
  try {
    const senders = running?.senders ?? {};
    const { onIdentified } = identity;
    const parts = { clock, log: tracedLog(log, tracing), registry, tracing, senders, onIdentified };
    await runUntilSignal(program, settings, parts);
    return 0;
  } catch (error) {
    log.error(`${program.name} ended`, { error });
    return FAILED;
  } finally {
    await running?.stop();
    endObservation();
  }
}

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

interface TelemetrySurroundings extends Pick<ProgramParts, "clock"> {
  readonly component: Component;
  readonly env: Readonly<Record<string, string>>;
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

async function runUntilSignal<D extends readonly Setting[]>(
  { name, start }: Program<D>,
  settings: SettingsOf<D>,
  parts: ProgramParts,
): Promise<void> {
  const { log } = parts;
  surviveBugs(log);
  const signalled = endingSignal();
  log.info(`${name} starting`, { version: VERSION, revision: REVISION });
  const running = await start(settings, parts);
  try {
    const signal = await Promise.race([signalled, ...(running.failed === undefined ? [] : [running.failed])]);
    log.info(`${name} stopping`, { signal });
  } finally {
    await running.stop();
  }
}

/** A promise that a bug left to itself must not end the work for everybody else. */
function surviveBugs(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("a bug was met, and survived", { error: event.reason });
  });
}

/** The first SIGTERM or SIGINT; a second one ends the program at once. */
function endingSignal(): Promise<Deno.Signal> {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  let isEnding = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      if (isEnding) Deno.exit(FAILED);
      isEnding = true;
      resolve(signal);
    });
  }
  return promise;
}
