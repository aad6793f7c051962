/**
 * `deno task demo`: a broker, an agent and a cluster; one delivery, watched. See `options.ts` for what it can be told.
 */
import { messageOf } from "$lib/error.ts";
import { openDemo } from "./demo.ts";
import { readOptions } from "./options.ts";

function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stopping.abort(new Error("stopped")));
  }
  return stopping.signal;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    untilAborted(signal).then((): never => {
      throw signal.reason;
    }),
  ]);
}

async function main(args: readonly string[]): Promise<number> {
  const signal = stopSignal();
  try {
    const options = readOptions(args);
    const say = (line: string) => console.log(line);
    await using demo = openDemo(options, say);
    await unlessAborted(signal, demo.run());
    if (!options.once) {
      say("\nIt runs on until Ctrl-C.");
      await untilAborted(signal);
    }
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    console.error(`\nThe demo failed: ${messageOf(error)}`);
    return 1;
  }
}

Deno.exit(await main(Deno.args));
