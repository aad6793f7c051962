import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { FROM_GLOBAL_CACHE } from "../../run/packages.ts";
import { merged, type Samples } from "./samples.ts";
import type { Part } from "./worker.ts";

const PROCESSES = 2;
const WORKER = new URL("worker.ts", import.meta.url).pathname;

/** Light agents in a few processes. */
export interface Fleet extends AsyncDisposable {
  /** What all of them saw since they were last asked. */
  collect(): Promise<Samples>;
  readonly pids: readonly number[];
}

/** Starts agents that all begin within one interval. */
export function startFleet({ agents, ...rest }: Part): Fleet {
  const parts = Array.from({ length: PROCESSES }, (_, part) => {
    return startPart({ ...rest, agents: agents.filter((_, index) => index % PROCESSES === part) });
  });
  return {
    pids: parts.flatMap(({ pids }) => pids),
    collect: async () => merged(await Promise.all(parts.map((part) => part.collect()))),
    [Symbol.asyncDispose]: async () => void await Promise.all(parts.map((part) => part[Symbol.asyncDispose]())),
  };
}

function startPart(part: Part): Fleet {
  const child = spawn(Deno.execPath(), ["run", FROM_GLOBAL_CACHE, "-A", WORKER], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.write(`${JSON.stringify(part)}\n`);
  return {
    pids: child.pid === undefined ? [] : [child.pid],
    async collect() {
      child.stdin.write("collect\n");
      const { value } = await lines.next();
      if (value === undefined) throw new Error("Cannot measure: a process of the fleet has ended");
      return JSON.parse(value);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
