/**
 * The README's test command beside eight processes that take every moment of the processors that they get: a test that
 * fails here says something of the machine's speed, and not of the programs.
 *
 * usage: deno task bench busy [files or folders of tests; all when left out]
 */
import { GuardedProcesses } from "../run/guarded_processes.ts";

const LOOPS = 8;
const ROOT = new URL("../../", import.meta.url).pathname;

async function startLoops(): Promise<AsyncDisposable> {
  const loops = await GuardedProcesses.open("busy");
  for (let number = 1; number <= LOOPS; number += 1) {
    await loops.start({ program: "sh", args: ["-c", "while :; do :; done"], name: `loop-${number}` });
  }
  return loops;
}

async function main(files: readonly string[]): Promise<number> {
  const command = ["task", "test", ...files];
  console.log(`deno ${command.join(" ")}, beside ${LOOPS} busy loops on ${navigator.hardwareConcurrency} cores`);
  await using _loops = await startLoops();
  const startMs = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), { args: command, cwd: ROOT }).spawn().status;
  console.log(`${success ? "held" : "NOT HELD"}: ${Math.round((performance.now() - startMs) / 1_000)} s`);
  return success ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
