import { Connection } from "./connection.ts";
import { load } from "./load.ts";
import type { HotPath } from "./paths.ts";

const EMPTY = new URL("../fleet/empty_server.ts", import.meta.url).pathname;

/** How the load is measured. */
export interface CeilingOptions {
  readonly clients: number;
  readonly ms: number;
}

/** Requests a second that the load sends to a server that does nothing, of each path with a limit a second. */
export async function ceilingsOf(
  paths: readonly HotPath[],
  { clients, ms }: CeilingOptions,
): Promise<ReadonlyMap<string, number>> {
  await using parts = new AsyncDisposableStack();
  const server = new Deno.Command(Deno.execPath(), { args: ["run", "-A", EMPTY], stdin: "piped", stdout: "piped" })
    .spawn();
  parts.defer(async () => {
    await server.stdin.close();
    await server.status;
  });
  const reader = parts.adopt(server.stdout.getReader(), (open) => open.cancel());
  const { value } = await reader.read();
  if (value === undefined) throw new Error("Cannot measure: the empty server did not start");
  const url = `http://127.0.0.1:${Number(new TextDecoder().decode(value))}`;
  const connections: Connection[] = [];
  for (let client = 0; client < clients; client += 1) connections.push(parts.use(await Connection.open(url)));
  const ceilings = new Map<string, number>();
  for (const { name, asks, perSecondMin } of paths) {
    if (perSecondMin === undefined) continue;
    const status = isGet(asks[0]?.(0)) ? 304 : 204;
    await load(connections, { asks, status }, ms / 2);
    ceilings.set(name, (await load(connections, { asks, status }, ms)).perSecond);
  }
  return ceilings;
}

function isGet(request: Uint8Array | undefined): boolean {
  return request?.[0] === "G".charCodeAt(0);
}
