import { type Child, type ChildOptions, spawnChild } from "./child.ts";

/**
 * A temporary folder and the processes that live in it. Both are gone after {@linkcode GuardedProcesses.close}, and
 * also when the process that opened it is killed: a guard waits for the end of a pipe that only that process holds.
 */
export class GuardedProcesses implements AsyncDisposable {
  /** The folder, made for this processes alone. */
  readonly folder: string;
  readonly #guard: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #children: Child[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.#guard = startGuard(folder);
    this.#orders = this.#guard.stdin.getWriter();
  }

  /** A processes in a fresh folder of the system's temporary one. */
  static async open(name: string): Promise<GuardedProcesses> {
    return new GuardedProcesses(await Deno.makeTempDir({ prefix: `brokkr-${name}-` }));
  }

  /** Starts a process. It writes both its streams to its log file. */
  async start(options: ChildOptions): Promise<Child> {
    const child = spawnChild(options, this.folder);
    this.#children.push(child);
    await this.#sendGuard(`+${child.pid}`);
    void child.ended.then(() => this.#sendGuard(`-${child.pid}`));
    return child;
  }

  /** Stops every process, all at once, and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
    for (const { pid } of this.#children.splice(0)) await this.#sendGuard(`-${pid}`);
    await this.#orders.close().catch(() => {});
    await this.#guard.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #sendGuard(order: string): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${order}\n`)).catch(() => {});
  }
}

/** Reads `+pid` and `-pid` until its input ends, then kills the pids that are left and removes the folder. */
const GUARD = `
trap '' INT TERM HUP
pids=' '
while read -r line; do
  pid=\${line#?}
  case $line in
    +*) pids="$pids$pid " ;;
    -*) pids=$(printf %s "$pids" | sed "s/ $pid / /") ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
n=0
until rm -rf "$1" 2>/dev/null || [ $n -ge 50 ]; do n=$((n + 1)); sleep 0.1; done
`;

function startGuard(folder: string): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", GUARD, "brokkr-guard", folder],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    cwd: "/",
  }).spawn();
}
