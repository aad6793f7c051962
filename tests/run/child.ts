const KILL_AFTER_MS = 5_000;
const LOG_TAIL_CHARACTERS = 2_000;

/** What to start in a `GuardedProcesses`. */
export interface ChildOptions {
  /** The program's path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Names the log file: `<name>.log` in the processes's folder. */
  readonly name: string;
  /** Another user to run as; only root may ask for one. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to end after a signal, 5,000 when left out; then it is killed. */
  readonly killAfterMs?: number;
}

/** A running process of a `GuardedProcesses`. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves with the exit code when the process has ended. */
  readonly ended: Promise<number>;
  /** Whether it has ended. */
  hasEnded(): boolean;
  /** Sends `signal` (SIGTERM when left out), after `killAfterMs` SIGKILL, and waits for the end. */
  stop(signal?: Deno.Signal): Promise<void>;
  /** The end of what it has written, for error messages. */
  logTail(): Promise<string>;
}

/** Starts a process that writes to `<folder>/<name>.log`. Meant for `GuardedProcesses.start`, which sees to its end. */
export function spawnChild(options: ChildOptions, folder: string): Child {
  const logPath = `${folder}/${options.name}.log`;
  const process = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" >>"$0" 2>&1', logPath, options.program, ...options.args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    cwd: folder,
    ...options.user,
    env: { ...options.env },
  }).spawn();
  return asChild(process, options, logPath);
}

function asChild(process: Deno.ChildProcess, { name, killAfterMs }: ChildOptions, logPath: string): Child {
  let isOver = false;
  const ended = process.status.then(({ code }) => {
    isOver = true;
    return code;
  });
  return {
    name,
    pid: process.pid,
    ended,
    hasEnded: () => isOver,
    async stop(signal = "SIGTERM") {
      signalIfAlive(process, signal);
      const timer = setTimeout(() => signalIfAlive(process, "SIGKILL"), killAfterMs ?? KILL_AFTER_MS);
      await ended.finally(() => clearTimeout(timer));
    },
    logTail: () => tailOf(logPath),
  };
}

function signalIfAlive(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended already.
  }
}

async function tailOf(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).slice(-LOG_TAIL_CHARACTERS);
  } catch {
    return "";
  }
}
