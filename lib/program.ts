import { type Clock, systemClock } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import { type Log, startLog } from "$lib/log.ts";
import { createRegistry, disabledRegistry, type Registry } from "$lib/metrics.ts";
import { type Declarations, readSettings, type Setting, type SettingsOf, SHARED_SETTINGS } from "$lib/settings.ts";
import { VERSION } from "$lib/version.ts";

/** What both programs are made of. */
export interface ProgramParts {
  readonly clock: Clock;
  readonly log: Log;
  /** A disabled one where `metrics.enabled` is false. */
  readonly registry: Registry;
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
  /** As lines of the log name it. */
  readonly name: string;
  readonly declarations: Declarations<D>;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** @throws What makes the program unable to start. */
  start(settings: SettingsOf<D>, parts: ProgramParts): Promise<RunningProgram>;
}

const FAILED = 1;
type SharedSettings = SettingsOf<typeof SHARED_SETTINGS>;

/** Reads the settings, starts the program and runs it until SIGTERM or SIGINT; the exit code. */
export async function runProgram<D extends readonly Setting[]>(program: Program<D>): Promise<number> {
  const reading = readOrExplain(program);
  if (reading === undefined) return FAILED;
  if (reading.printsSettings) {
    Deno.stdout.writeSync(new TextEncoder().encode(reading.text));
    return 0;
  }
  const shared = reading.settings as unknown as SharedSettings;
  const log = await startLog({ level: shared["log.level"], format: shared["log.format"] });
  const clock = systemClock();
  const registry = shared["metrics.enabled"] ? createRegistry({ clock, log }) : disabledRegistry();
  try {
    await runUntilTold(program, reading.settings, { clock, log, registry });
    return 0;
  } catch (error) {
    log.error(`${program.name} ended`, { error });
    return FAILED;
  }
}

function readOrExplain<D extends readonly Setting[]>({ declarations, args, env }: Program<D>) {
  try {
    return readSettings(declarations, { args: [...args], env, readFile: Deno.readTextFileSync });
  } catch (error) {
    console.error(messageOf(error));
    return undefined;
  }
}

async function runUntilTold<D extends readonly Setting[]>(
  { name, start }: Program<D>,
  settings: SettingsOf<D>,
  parts: ProgramParts,
): Promise<void> {
  const { log } = parts;
  surviveBugs(log);
  const told = endingSignal();
  log.info(`${name} starting`, { version: VERSION });
  const running = await start(settings, parts);
  try {
    const signal = await Promise.race([told, ...(running.failed === undefined ? [] : [running.failed])]);
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
