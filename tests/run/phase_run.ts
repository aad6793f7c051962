import { FROM_GLOBAL_CACHE } from "./packages.ts";
import { countOf, isIgnored, readJunit, type Report } from "./junit.ts";
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

/** What became of the tests of one run; steps are parts of their test. */
export interface Outcome extends Report {
  readonly passed: number;
  readonly failed: number;
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
  const { skipped, seconds } = await reportOf(reportPath, options.notesPath);
  return {
    passed: countOf("passed", output),
    failed: Math.max(countOf("failed", output), success ? 0 : 1),
    skipped: skipped.filter((name) => isIgnored(name, output)),
    seconds,
  };
}

function spawnDenoTest(phase: Phase, reportPath: string, options: PhaseRunOptions): Deno.ChildProcess {
  const { root, isQuick, flags, notesPath } = options;
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", FROM_GLOBAL_CACHE, "--allow-all", "--parallel", "--permit-no-files"],
      // To optimise the embedded database's code costs more than that saves in as short a life as a test's.
      "--v8-flags=--liftoff-only",
      // `deno task ok` has checked every type by then, and what is checked twice takes 20 s.
      ...(isQuick ? ["--no-check"] : []),
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

/** The report; nothing where `deno test` did not come to write one. */
async function reportOf(reportPath: string, notesPath: string): Promise<Report> {
  try {
    const homes = new Map((await readNotes(notesPath)).map(({ name, file }) => [name, file]));
    return readJunit(await Deno.readTextFile(reportPath), homes);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { skipped: [], seconds: new Map() };
  }
}

/** What the tests have said of themselves so far. */
export async function readNotes(path: string): Promise<readonly Note[]> {
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Note);
}
