import assert from "node:assert/strict";
import { embeddedDatabase, open } from "../../fakes/databases.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { waitFor } from "../../run/wait.ts";
import { runDatabaseCases } from "./mod.ts";

Deno.test("the embedded database does what every database must do", async (test) => {
  const [clock, statements] = [new ManualClock(), recordedStatements()];
  await using embedded = await embeddedDatabase({ isMigrated: false, clock, metrics: statements.metrics });

  await runDatabaseCases(test, { database: embedded.database, clock, statements, poolSize: 1 });
});

Deno.test("a folder that one process holds is refused to the next, and free again after close()", async () => {
  await using embedded = await embeddedDatabase({ isMigrated: false });
  const { database, address } = embedded;

  const refusal = await open(address).then(() => undefined, (error) => error);
  await database.close();
  const next = await open(address);
  await next.close();

  assert.equal(refusal?.code, "invalid_settings");
  assert.match(refusal.message, /another process uses "/);
});

Deno.test("a data folder that cannot be made is refused by name", async () => {
  const file = await Deno.makeTempFile();

  const refusal = await open({ url: undefined, dataDir: `${file}/data` }).then(() => undefined, (error) => error);
  await Deno.remove(file);

  assert.equal(refusal?.code, "invalid_settings");
  assert.match(refusal.message, new RegExp(`"${file}/data" cannot be used`));
});

Deno.test("the embedded database's files and socket are its owner's only", async () => {
  await using embedded = await embeddedDatabase({ isMigrated: false });
  const { dataDir } = embedded.address;

  const modes = await Promise.all(
    ["postgres", "run", "lock"].map(async (name) => ((await Deno.stat(`${dataDir}/${name}`)).mode ?? 0) & 0o077),
  );

  assert.deepEqual(modes, [0, 0, 0]);
});

Deno.test("a path too long for a socket is no obstacle", async () => {
  const parent = await Deno.makeTempDir();
  const dataDir = `${parent}/${"long".repeat(40)}`;
  await using embedded = await embeddedDatabase({ isMigrated: false });
  await embedded.database.close();
  await Deno.rename(embedded.address.dataDir, dataDir);

  const database = await open({ url: undefined, dataDir });
  const rows = await database.sql`select 1 as one`;
  await database.close();
  await Deno.rename(dataDir, embedded.address.dataDir);
  await Deno.remove(parent);

  assert.equal(rows.length, 1);
});

Deno.test("the embedded database comes back, with what it acknowledged, after it stopped answering", async () => {
  const clock = new ManualClock();
  await using embedded = await embeddedDatabase({ isMigrated: false, clock });
  const { database: { sql }, address: { dataDir } } = embedded;
  await sql`create table kept (n int)`;
  await sql`insert into kept values (1)`;
  await sql`select pg_switch_wal()`;
  await Deno.rename(`${dataDir}/postgres/pg_wal`, `${dataDir}/postgres/away`);
  const outcome = sql`insert into kept values (2)`.catch((error) => error.code); // never answered: PGlite panics

  await clock.advance(40_000);
  const failure = await outcome;
  await Deno.rename(`${dataDir}/postgres/away`, `${dataDir}/postgres/pg_wal`);
  await clock.advance(1_000);
  const rows = await waitFor(() => sql<{ n: number }>`select n from kept where n = 1`, { what: "get an answer again" });

  assert.deepEqual([failure, rows.length], ["unavailable", 1]);
});
