import assert from "node:assert/strict";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { openDatabase } from "./database.ts";
import { messageOf } from "./error.ts";

/** A server's word that it takes nobody in. */
function refusal(): Uint8Array {
  const fields = new TextEncoder().encode("SFATAL\0VFATAL\0C57P03\0Mnot yet\0\0");
  return new Uint8Array([0x45, 0, 0, 0, fields.length + 4, ...fields]);
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** Runs a statement with a server that does this with each connection; says how many there were, and why it failed. */
async function asking(
  servers: (port: number) => string,
  { hostname, query = "", take }: {
    readonly hostname: string;
    readonly query?: string;
    readonly take: (connection: Deno.Conn) => Promise<void>;
  },
) {
  const listener = Deno.listen({ hostname, port: 0 });
  let connections = 0;
  const taking = (async () => {
    for await (const connection of listener) {
      connections += 1;
      await take(connection);
      connection.close();
    }
  })();
  const url = `postgres://u:p@${servers(listener.addr.port)}/x${query}`;
  const database = await openDatabase({ url, dataDir: "", clock: new ManualClock(), log: silentLog() });
  const error = await database.sql`select 1`.catch((error) => error);
  await database.close();
  listener.close();
  await taking;
  return { connections, why: messageOf(error) };
}

async function refuse(connection: Deno.Conn): Promise<void> {
  await connection.read(new Uint8Array(1_000));
  await connection.write(refusal());
}

for (const servers of ["[::1]:port", "[::1]:port,[::1]:port"]) {
  Deno.test({
    name: `openDatabase() connects to ${servers}`,
    ignore: !hasIpv6(),
    async fn() {
      const { connections, why } = await asking((port) => servers.replaceAll("port", String(port)), {
        hostname: "::1",
        take: refuse,
      });

      assert.ok(connections > 0);
      assert.match(why, /57P03/);
    },
  });
}

for (const sslmode of ["disable", "require"]) {
  Deno.test(`a statement fails where a connection is closed before a word was said; sslmode ${sslmode}`, async () => {
    const { connections, why } = await asking((port) => `127.0.0.1:${port}`, {
      ...{ hostname: "127.0.0.1", query: `?sslmode=${sslmode}` },
      take: async (connection) => void await connection.read(new Uint8Array(1_000)),
    });

    assert.equal(connections, 1);
    assert.equal(why, "Cannot use the database: no connection (CONNECTION_CLOSED)");
  });
}
