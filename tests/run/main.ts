import { fileURLToPath } from "node:url";
import { readArguments, type RunRequest } from "./arguments.ts";
import { slowestFiles } from "./junit.ts";
import { ADDED_BY, isCi, missingParts, PARTS } from "./parts.ts";
import { type Outcome, readNotes, runPhase } from "./phase_run.ts";
import { phasesFor } from "./phases.ts";

/**
 * For one phase; far above the budget of the design (25 minutes with every server), so that only what hangs meets it.
 */
const DEADLINE_MS = 45 * 60_000;
const QUICK_DEADLINE_MS = 10 * 60_000;
const SLOWEST_FILES = 10;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

if (import.meta.main) Deno.exit(await run(readArguments(Deno.args)));

/** Runs the tests, then says what was skipped and, alone on the last line, how many passed, failed and were skipped. */
async function run(request: RunRequest): Promise<number> {
  const scratch = await Deno.makeTempDir({ prefix: "brokkr-test-" });
  try {
    const notesPath = `${scratch}/notes.jsonl`;
    await Deno.writeTextFile(notesPath, "");
    const outcome = await runPhases(request, scratch, notesPath);
    sayWhatIsSkipped(outcome.skipped, await remediesIn(notesPath));
    say(["Slowest files:", ...slowestFiles(outcome.seconds, SLOWEST_FILES)].join("\n"));
    return close(outcome, faults(request, outcome));
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function runPhases(request: RunRequest, scratch: string, notesPath: string): Promise<Outcome> {
  const { flags, isQuick } = request;
  const { signal } = interruption();
  const write = (chunk: Uint8Array) => writeAll(chunk);
  const deadlineMs = isQuick ? QUICK_DEADLINE_MS : DEADLINE_MS;
  let sum: Outcome = { passed: 0, failed: 0, skipped: [], seconds: new Map() };
  for (const phase of phasesFor(request, ROOT)) {
    if (signal.aborted) break;
    const one = await runPhase(phase, { root: ROOT, scratch, notesPath, isQuick, flags, deadlineMs, signal, write });
    sum = {
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: [...sum.skipped, ...one.skipped],
      seconds: new Map([...sum.seconds, ...one.seconds]),
    };
  }
  return signal.aborted ? { ...sum, failed: Math.max(sum.failed, 1) } : sum;
}

/** Aborts on the first SIGINT or SIGTERM, so that what was started ends with its tests. */
function interruption(): AbortController {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => controller.abort());
  return controller;
}

async function remediesIn(notesPath: string): Promise<Map<string, string | undefined>> {
  return new Map((await readNotes(notesPath)).map(({ name, remedy }) => [name, remedy]));
}

function sayWhatIsSkipped(names: readonly string[], remedies: ReadonlyMap<string, string | undefined>): void {
  for (const name of names) say(`skipped: ${name} — ${remedies.get(name) ?? "its file says to ignore it"}`);
}

/** What is wrong beside failed tests: nothing ran, or CI lacks a part. */
function faults({ isQuick }: RunRequest, { passed, failed }: Outcome): string[] {
  const missing = isCi() && !isQuick ? missingParts() : [];
  return [
    ...missing.map((part) => `missing: ${PARTS[part]}, which CI must have — ${ADDED_BY} adds it`),
    ...(passed + failed === 0 ? ["Cannot call this a success: no test ran"] : []),
  ];
}

function close({ passed, failed, skipped }: Outcome, faults: readonly string[]): number {
  for (const fault of faults) say(fault);
  const allFailed = Math.max(failed, faults.length);
  say(`${passed} passed, ${allFailed} failed, ${skipped.length} skipped`);
  return allFailed > 0 ? 1 : 0;
}

function say(line: string): void {
  writeAll(new TextEncoder().encode(`${line}\n`));
}

function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += Deno.stdout.writeSync(bytes.subarray(written));
}
