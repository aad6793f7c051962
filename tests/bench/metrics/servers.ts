import { FROM_GLOBAL_CACHE } from "../../run/packages.ts";

/** A server that is a process of its own. */
export interface BenchServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Nanoseconds that its threads have run so far, as the kernel says. */
  runNs(): number;
}

/** Starts one of `server.ts` and waits until it listens. */
export async function startServer(name: string, lines?: number): Promise<BenchServer> {
  const args = lines === undefined ? [name] : [name, String(lines)];
  return await startServerOf(new URL("server.ts", import.meta.url), args);
}

/** Starts a script that says its port on standard output, and ends with standard input. */
export async function startServerOf(script: URL, args: readonly string[]): Promise<BenchServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", FROM_GLOBAL_CACHE, "-A", script.pathname, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const port = Number(await firstLine(child.stdout));
  if (!(port > 0)) throw new Error(`Server "${args.join(" ")}" did not start`);
  return {
    port,
    pid: child.pid,
    runNs: () => runNsOf(child.pid),
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await child.status;
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text;
}

function runNsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  return [...Deno.readDirSync(tasks)].reduce((ns, { name }) => {
    const [run] = Deno.readTextFileSync(`${tasks}/${name}/schedstat`).split(" ");
    return ns + Number(run);
  }, 0);
}
