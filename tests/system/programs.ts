import { stablePort } from "../cluster/ports.ts";
import type { Entry } from "../compile/stage.ts";
import { type ProgramName, readTask } from "../compile/task.ts";
import { GivenUp, waitFor } from "../run/wait.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const OUTPUT_KEPT = 200_000;

/** One of the two programs, running as a process of its own. */
export interface Program extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  readonly pid: number;
  /** All lines it has written so far, both streams. */
  output(): string;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number>;
}

/**
 * Settings as environment variables, without the `BROKKR__` prefix: `{ METRICS__ENABLED: "false" }`. What begins with
 * `BROKKR_` or `OTEL_` is a variable of that very name.
 */
export type Settings = Readonly<Record<string, string>>;

/** How a program is started. */
export interface StartOptions {
  /** Its command and flags, such as `["serve"]`; none when left out. */
  readonly words?: readonly string[];
  /** A free one when left out. */
  readonly port?: number;
  /** The program's sources, when it is not to be started from this tree. */
  readonly entry?: Entry;
  /** More flags for `deno run`, after the task's own. */
  readonly denoFlags?: readonly string[];
}

/** Starts the broker as `deno task broker` does, on `port`. It may not be ready yet: see {@linkcode untilReady}. */
export function startBroker(settings: Settings, { port = stablePort(), ...how }: StartOptions = {}): Program {
  return start("broker", port, { settings: { BROKER__LISTEN: `127.0.0.1:${port}`, ...settings }, ...how });
}

/** Starts the agent as `deno task agent` does, with its metrics on `port`. */
export function startAgent(settings: Settings, { port = stablePort(), ...how }: StartOptions = {}): Program {
  const listening = { AGENT__HEALTH_ADDRESS: "127.0.0.1", AGENT__HEALTH_PORT: String(port) };
  return start("agent", port, { settings: { ...listening, ...settings }, ...how });
}

/** What a command of a program did. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of a program, such as `["rotate", "admin"]`, as its task runs the program. */
export async function runCommand(
  name: ProgramName,
  words: readonly string[],
  settings: Settings,
): Promise<Ended> {
  const { code, stdout, stderr } = await command(name, { words, settings }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Starts such a command, to be ended or waited for by whoever starts it. */
export function startCommand(name: ProgramName, words: readonly string[], settings: Settings): Program {
  return start(name, 0, { words, settings });
}

/**
 * Waits until `/readyz` answers 200.
 *
 * @throws When the program ends first or two minutes pass; the message holds what the program wrote.
 */
export async function untilReady(program: Program): Promise<void> {
  let ended: number | undefined;
  program.ended.then((code) => ended = code);
  await waitFor(async () => {
    if (ended !== undefined) throw new GivenUp(`the program ended with ${ended}`);
    return await isReady(program.url) || undefined;
  }, { what: `see ${program.url} ready`, detail: () => Promise.resolve(program.output()) });
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`);
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function start(name: ProgramName, port: number, launch: Launch): Program {
  const child = command(name, launch).spawn();
  const texts = [collect(child.stdout), collect(child.stderr)];
  const ended = child.status.then(async ({ code }) => {
    await Promise.all(texts.map(({ done }) => done));
    return code;
  });
  return {
    url: `${"BROKER__TLS_CERT_FILE" in launch.settings ? "https" : "http"}://127.0.0.1:${port}`,
    pid: child.pid,
    ended,
    output: () => texts.map(({ text }) => text()).join(""),
    stop: () => end(child, ended, "SIGTERM"),
    kill: async () => void await end(child, ended, "SIGKILL"),
    [Symbol.asyncDispose]: async () => void await end(child, ended, "SIGKILL"),
  };
}

/** The instance that every program started here says it is. */
export const POD_UID = "a-pod";

interface Launch {
  readonly words?: readonly string[];
  readonly settings: Settings;
  readonly entry?: Entry;
  readonly denoFlags?: readonly string[];
}

function command(name: ProgramName, { words = [], settings, entry, denoFlags = [] }: Launch): Deno.Command {
  const { args, env, ...task } = readTask(name);
  const { folder, path } = entry ?? { folder: ROOT, path: task.entry };
  return new Deno.Command(Deno.execPath(), {
    args: [...args, ...denoFlags, path, ...words],
    cwd: folder,
    clearEnv: true,
    env: { ...ownEnvironment(), ...env, BROKKR_POD_UID: POD_UID, ...withPrefix(settings) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** What Deno itself needs of this process's environment; nothing that would be a setting. */
function ownEnvironment(): Record<string, string> {
  const kept = ["HOME", "PATH", "DENO_DIR", "TMPDIR", "XDG_CACHE_HOME", "NO_COLOR"];
  return Object.fromEntries(kept.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

function withPrefix(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [/^(BROKKR|OTEL)_/.test(name) ? name : `BROKKR__${name}`, value]),
  );
}

async function end(child: Deno.ChildProcess, ended: Promise<number>, signal: Deno.Signal): Promise<number> {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
  return await ended;
}

function collect(stream: ReadableStream<Uint8Array>): { text(): string; readonly done: Promise<void> } {
  let text = "";
  async function read(): Promise<void> {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) text = (text + piece).slice(-OUTPUT_KEPT);
  }
  return { text: () => text, done: read() };
}
