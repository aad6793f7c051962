import project from "../../deno.json" with { type: "json" };

/** The two programs. */
export type ProgramName = "broker" | "agent";

/** How `deno task broker` and `deno task agent` run their program. */
export interface Task {
  readonly env: Readonly<Record<string, string>>;
  /** What `deno` is told, up to the program's entry. */
  readonly args: readonly string[];
  /** The program's entry, from the root of the repository. */
  readonly entry: string;
}

/**
 * Reads a program's task: `NAME=value … deno run … broker/main.ts`. Its permissions are those of the compiled program
 * too.
 */
export function readTask(name: ProgramName): Task {
  const words = project.tasks[name].split(" ");
  const start = words.indexOf("deno");
  return {
    env: Object.fromEntries(words.slice(0, start).map((word) => word.split("="))),
    args: words.slice(start + 1, -1),
    entry: words.at(-1) ?? "",
  };
}
