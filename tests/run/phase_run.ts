import { FROM_GLOBAL_CACHE } from "./packages.ts";
import { countOf, isIgnored, type Outcome, readJunit } from "./junit.ts";
import { type Note, NOTES_VARIABLE, QUICK_VARIABLE } from "./parts.ts";
import type { Phase } from "./phases.ts";

const KILL_AFTER_MS = 5_000;

/** How `deno test` is called, whatever the phase. */
export interface PhaseRunOptions {
  /** The repository's root. */
  readonly root: string;
  /** A folder for the reports. */
  readonly scratch: string;
  /** The file in which tests name themselves, and their files. */
  readonly notesPath: string;
  readonly isQuick: boolean;
  readonly flags: readonly string[];
  /** After so long `deno test` is ended: a test that hangs is a failed one. */
  readonly deadlineMs: number;
  /** Ends `deno test`. */
  readonly signal: AbortSignal;
  /** Takes its output as it comes. */
  readonly write: (chunk: Uint8Array) => void;
}

/** Runs one phase. Whatever made `deno test` fail is counted as at least one failed test. */
export async function runPhase(phase: Phase, options: PhaseRunOptions): Promise<Outcome> {
  const reportPath = `${options.scratch}/${crypto.randomUUID()}.xml`;
  const child = spawnDenoTest(phase, reportPath, options);
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(options.deadlineMs)]);
  const end = () => {
    options.write(new TextEncoder().encode("\nCannot finish the tests: they were interrupted or took too long\n"));
    endTests(child);
  };
  limit.addEventListener("abort", end);
  const output = await passOn(child.stdout, options.write);
  const { success } = await child.status;
  limit.removeEventListener("abort", end);
  const { passed, failed, skipped, seconds } = await outcomeOf(reportPath, output, options.notesPath);
  return {
    passed,
    seconds,
    skipped: skipped.filter((name) => isIgnored(name, output)),
    failed: Math.max(failed, countOf("failed", output), success ? 0 : 1),
  };
}

function spawnDenoTest(phase: Phase, reportPath: string, options: PhaseRunOptions): Deno.ChildProcess {
  const { root, isQuick, flags, notesPath } = options;
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", FROM_GLOBAL_CACHE, "--allow-all", "--parallel", "--permit-no-files"],
      ...[`--junit-path=${reportPath}`, `--ignore=${phase.ignored.join(",")}`, ...flags, ...phase.paths],
    ],
    cwd: root,
    env: {
      [QUICK_VARIABLE]: isQuick ? "1" : "0",
      [NOTES_VARIABLE]: notesPath,
      ...(phase.jobs === undefined ? {} : { DENO_JOBS: String(phase.jobs) }),
      ...(Deno.stdout.isTerminal() && !Deno.env.has("NO_COLOR") ? { FORCE_COLOR: "1" } : {}),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** On SIGINT `deno test` names the tests that were running; one that blocks its thread leaves it no time for that. */
function endTests(child: Deno.ChildProcess): void {
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  void child.status.then(() => clearTimeout(timer));
}

async function passOn(stream: ReadableStream<Uint8Array>, write: (chunk: Uint8Array) => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** The report; where `deno test` did not come to write one, what its last line says. */
async function outcomeOf(reportPath: string, output: string, notesPath: string): Promise<Outcome> {
  try {
    const homes = new Map((await readNotes(notesPath)).map(({ name, file }) => [name, file]));
    return readJunit(await Deno.readTextFile(reportPath), homes);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { passed: countOf("passed", output), failed: countOf("failed", output), skipped: [], seconds: new Map() };
  }
}

/** What the tests have said of themselves so far. */
export async function readNotes(path: string): Promise<readonly Note[]> {
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Note);
}
