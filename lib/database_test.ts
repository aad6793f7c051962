import assert from "node:assert/strict";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { systemClock } from "./clock.ts";
import { openDatabase } from "./database.ts";

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

for (const servers of ["[::1]:port", "[::1]:port,[::1]:port"]) {
  Deno.test({
    name: `openDatabase() connects to ${servers}`,
    ignore: !hasIpv6(),
    async fn() {
      const listener = Deno.listen({ hostname: "::1", port: 0 });
      let connections = 0;
      const closing = (async () => {
        for await (const connection of listener) {
          connections += 1;
          await connection.read(new Uint8Array(1_000));
          await connection.write(refusal());
          connection.close();
        }
      })();
      const url = `postgres://u:p@${servers.replaceAll("port", String(listener.addr.port))}/x`;
      const database = await openDatabase({ url, dataDir: "", clock: systemClock(), log: silentLog() });

      await assert.rejects(database.sql`select 1`, { code: "unavailable" });

      assert.ok(connections > 0);
      await database.close();
      listener.close();
      await closing;
    },
  });
}
