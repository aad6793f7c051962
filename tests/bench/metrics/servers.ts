import { FROM_GLOBAL_CACHE } from "../../run/packages.ts";

/** A server of `server.ts`. */
export interface BenchServer extends AsyncDisposable {
  readonly port: number;
  /** Nanoseconds that its threads have run so far, as the kernel says. */
  runNs(): number;
}

/** Starts one and waits until it listens. */
export async function startServer(name: string, lines?: number): Promise<BenchServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", FROM_GLOBAL_CACHE, "-A", new URL("server.ts", import.meta.url).pathname, name],
      ...(lines === undefined ? [] : [String(lines)]),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const port = Number(await firstLine(child.stdout));
  if (!(port > 0)) throw new Error(`Server "${name}" did not start`);
  return {
    port,
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
