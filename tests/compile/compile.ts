import type { StagedEntry } from "./stage.ts";
import { type ProgramName, readTask } from "./task.ts";

/** What `deno` is told to compile a staged program, with the permissions of its task. Types are checked elsewhere. */
export function compileArguments(
  name: ProgramName,
  { entry, output }: { entry: StagedEntry; output: string },
): string[] {
  return [
    ...["compile", "--no-check", "--no-prompt", "--exclude-unused-npm"],
    ...readTask(name).args.slice(1),
    ...entry.workers.flatMap((path) => ["--include", path]),
    ...["--output", output, entry.path],
  ];
}
