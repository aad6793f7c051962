import { type Clock, systemClock } from "$lib/clock.ts";
import type { Command, Outcome } from "$lib/program/command.ts";
import { messageOf } from "$lib/error.ts";
import { type Log, withoutSecrets } from "$lib/log.ts";
import type { Component } from "$lib/process_metrics.ts";
import { logOf, openProgramTelemetry, type SharedSettings, type TelemetryOfProgram } from "$lib/program/telemetry.ts";
import type { Resource } from "$lib/resource.ts";
import {
  type CommandDeclaration,
  type Declarations,
  type Reading,
  readSettings,
  type Setting,
  type SettingsOf,
} from "$lib/settings.ts";
import { helpAsked } from "$lib/settings/help.ts";
import type { BrokerRelay } from "$lib/telemetry/plan.ts";
import { REVISION, VERSION } from "$lib/program/version.ts";

/** What both programs are made of. */
export interface ProgramParts extends TelemetryOfProgram {
  readonly clock: Clock;
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
  /** Commands that are done elsewhere, for help to name them. */
  readonly others?: readonly CommandDeclaration[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** @throws What makes the program unable to start. */
  start(settings: SettingsOf<D>, parts: ProgramParts): Promise<RunningProgram>;
}

const FAILED = 1;
const VERSION_WORDS: readonly string[] = ["--version", "version"];

/** Reads the settings and does what the command line says, its work until SIGTERM or SIGINT; the exit code, 0 or 1. */
export async function runProgram<D extends readonly Setting[]>(program: Program<D>): Promise<number> {
  try {
    if (VERSION_WORDS.includes(program.args.join(" "))) {
      return print(`brokkr-${program.name} ${VERSION}, revision ${REVISION}\n`);
    }
    const help = helpAsked(
      { ...subjectOf(program), settings: program.declarations.settings, others: program.others },
      program.args,
    );
    if (help !== undefined) return print(help);
    const { commands } = subjectOf(program);
    const { args, env, others } = program;
    const asking = { args, env, readFile: Deno.readTextFileSync, commands, others };
    const reading = readSettings(program.declarations, asking);
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

async function work<D extends readonly Setting[]>(program: Program<D>, reading: Reading<D>): Promise<number> {
  const { name: component, env } = program;
  const clock = systemClock();
  const telemetry = await openProgramTelemetry({
    ...{ component, env, clock, origins: reading.origins, settings: reading.settings as unknown as SharedSettings },
    resource: program.resource?.(reading.settings),
    relayOf: (agentId) => program.relay?.(reading.settings, agentId),
  });
  try {
    await runUntilSignal(program, reading.settings, { clock, ...telemetry.parts });
    return 0;
  } catch (error) {
    telemetry.parts.log.error(`${component} ended`, { error });
    return FAILED;
  } finally {
    await telemetry.stop();
  }
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
