import assert from "node:assert/strict";
import { embeddedDatabase } from "../../fakes/databases.ts";
import { isSchemaCurrent, migrate } from "../../../broker/store/migrate.ts";
import { MIGRATIONS } from "../../../broker/store/migrations/mod.ts";

Deno.test("migrate() makes the schema it is given, once, and refuses a database from a newer program", async () => {
  await using embedded = await embeddedDatabase({ isMigrated: false, schema: 'odd "name' });
  const { database } = embedded;
  const options = { schema: 'odd "name' };
  assert.equal(await isSchemaCurrent(database.sql), false);

  assert.equal(await migrate(database, options), MIGRATIONS.length);
  assert.equal(await migrate(database, options), 0);
  assert.equal(await isSchemaCurrent(database.sql), true);

  const [app] = await database.sql<{ count: number }>`select count(*) as count from "odd ""name".app`;
  assert.equal(app?.count, 1);
  await database.sql`insert into migrations (number, name) values (99, 'from the future')`;
  assert.equal(await isSchemaCurrent(database.sql), false);
  await assert.rejects(migrate(database, options), { code: "invalid_settings", message: /99/ });
});

Deno.test("MIGRATIONS are numbered from 1 without a gap", () => {
  assert.deepEqual(MIGRATIONS.map(({ number }) => number), MIGRATIONS.map((_, index) => index + 1));
});
