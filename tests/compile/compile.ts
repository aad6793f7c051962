import type { StagedEntry } from "./stage.ts";
import { type ProgramName, readTask } from "./task.ts";

/** As the charts have it for a program that is not compiled: an agent's memory comes in bursts. */
const V8_FLAGS: Readonly<Record<ProgramName, readonly string[]>> = {
  broker: [],
  agent: ["--v8-flags=--max-semi-space-size=8"],
};

/** What `deno` is told to compile a staged program, with the permissions of its task. Types are checked elsewhere. */
export function compileArguments(
  name: ProgramName,
  { entry, output }: { entry: StagedEntry; output: string },
): string[] {
  return [
    ...["compile", "--no-check", "--no-prompt", "--exclude-unused-npm"],
    ...readTask(name).args.slice(1),
    ...V8_FLAGS[name],
    ...entry.workers.flatMap((path) => ["--include", path]),
    ...["--output", output, entry.path],
  ];
}
