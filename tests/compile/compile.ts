import type { Entry } from "./stage.ts";
import { type ProgramName, readTask } from "./task.ts";

/** Modules that a program starts as workers: nothing imports them, so they are named. */
const WORKERS: Readonly<Record<ProgramName, readonly string[]>> = {
  broker: ["lib/pglite_worker.ts", "broker/bundle_worker.ts"],
  agent: [],
};

/** What `deno` is told to compile a staged program, with the permissions of its task. Types are checked elsewhere. */
export function compileArguments(name: ProgramName, { entry, output }: { entry: Entry; output: string }): string[] {
  return [
    ...["compile", "--no-check", "--no-prompt", "--exclude-unused-npm"],
    ...readTask(name).args.slice(1),
    ...WORKERS[name].flatMap((path) => ["--include", path]),
    ...["--output", output, entry.path],
  ];
}
