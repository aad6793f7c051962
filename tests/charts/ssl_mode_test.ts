import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { openDatabase } from "$lib/database.ts";
import { silentLog } from "../fakes/silent_log.ts";
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";
import { testWith } from "../run/parts.ts";
import { schemaParts } from "./leaves.ts";

/** What each mode of the chart comes to with a server that has no TLS. */
const WITHOUT_TLS = { "disable": "connected", "prefer": "connected", "require": "refused", "verify-full": "refused" };

testWith("postgres", "chart brokkr-broker: each sslMode does what it says where the server has no TLS", async () => {
  const binaries = await findPostgres();
  assert.ok(binaries !== undefined);
  await using server = await startPostgres(binaries, { durable: false });
  const { leaves } = await schemaParts("brokkr-broker");
  const modes = leaves.find(({ path }) => path === "postgresql.external.sslMode")?.schema.enum ?? [];

  const found: Record<string, string> = {};
  for (const mode of modes.map(String)) found[mode] = await connecting(server.url, mode);

  assert.deepEqual(found, WITHOUT_TLS);
});

async function connecting(server: string, mode: string): Promise<string> {
  const url = new URL(server);
  url.searchParams.set("sslmode", mode);
  const database = await openDatabase({ url: url.href, dataDir: "", clock: systemClock(), log: silentLog() });
  try {
    await database.sql`select 1`;
    return "connected";
  } catch {
    return "refused";
  } finally {
    await database.close();
  }
}
