import { pause } from "../run/wait.ts";

const PAUSES_MS = [2_000, 8_000, 30_000];

/** A program to run, and where. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Says one line about the set-up. */
export type Say = (line: string) => void;

/**
 * Runs a command to its end and answers its standard output.
 *
 * @throws When it cannot be started or does not exit with 0; the message holds the end of what it wrote.
 */
export async function run({ program, args, cwd, env }: Command): Promise<string> {
  const command = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...(cwd && { cwd }),
    ...(env && { env }),
  });
  const { success, code, stdout, stderr } = await command.output();
  if (success) return new TextDecoder().decode(stdout);
  const written = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  const end = written.trim().split("\n").slice(-12).join("\n    ");
  throw new Error(`Cannot run "${[program, ...args].join(" ")}": exit code ${code}\n    ${end}`);
}

/** Runs what needs the network; after a failure again, up to three times, each after a longer pause. */
export async function withRetries<T>(what: string, say: Say, work: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      say(`${what}: failed, again in ${pauseMs / 1000} s (${firstLine(error)})`);
      await pause(pauseMs);
    }
  }
  return await work();
}

/** The first line of an error's message. */
function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
}

/** Where a program is, by `PATH`; `undefined` when it is nowhere. */
export function which(program: string, more: readonly string[] = []): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...more].filter((folder) => folder !== "");
  return folders.map((folder) => `${folder}/${program}`).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
