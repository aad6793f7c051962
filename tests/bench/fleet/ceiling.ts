import { pause } from "../../run/wait.ts";
import { startFleet } from "./fleet.ts";

const SECONDS = 3;
const EMPTY = new URL("empty_server.ts", import.meta.url).pathname;

/** Requests a second that a fleet of this size sends to a server that does nothing. */
export async function ceilingOf(agents: number): Promise<number> {
  const server = new Deno.Command(Deno.execPath(), { args: ["run", "-A", EMPTY], stdin: "piped", stdout: "piped" })
    .spawn();
  const [reader, chunk] = await firstChunk(server.stdout);
  const url = `http://127.0.0.1:${Number(new TextDecoder().decode(chunk))}`;
  const all = Array.from({ length: agents }, () => ({ url, id: crypto.randomUUID(), pak: "none" }));
  try {
    await using fleet = startFleet({ agents: all, pollEveryMs: 0, heartbeatEveryMs: 0, hasPush: false });
    await pause(1_000);
    await fleet.collect();
    await pause(SECONDS * 1_000);
    const { ms } = await fleet.collect();
    return Object.values(ms).reduce((sum, { length }) => sum + length, 0) / SECONDS;
  } finally {
    await reader.cancel();
    await server.stdin.close();
    await server.status;
  }
}

async function firstChunk(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error("Cannot measure: the empty server did not start");
  return [reader, value] as const;
}
