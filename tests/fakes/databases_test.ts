import assert from "node:assert/strict";
import { embeddedDatabase, rolledBack } from "./databases.ts";

Deno.test("embeddedDatabase() gives a migrated database of its own", async () => {
  const first = await changedEpoch();
  const second = await changedEpoch();

  assert.notEqual(first.before, undefined);
  assert.equal(second.before, first.before);
  assert.notEqual(first.after, first.before);
});

/** Opens one, changes a row that migrations made, and says what was there before and after. */
async function changedEpoch(): Promise<{ before: string | undefined; after: string | undefined }> {
  await using test = await embeddedDatabase();
  const { sql } = test.database;
  const [before] = await sql<{ epoch: string }>`select epoch from app`;
  const [after] = await sql<{ epoch: string }>`update app set epoch = gen_random_uuid() returning epoch`;
  return { before: before?.epoch, after: after?.epoch };
}

Deno.test("rolledBack() leaves nothing behind, and passes a failure on", async () => {
  await using test = await embeddedDatabase({ isMigrated: false });
  const { database } = test;
  await database.sql`create table t (n int)`;

  await rolledBack(database, async (tx) => {
    await tx`insert into t values (1)`;
  });
  await assert.rejects(rolledBack(database, () => Promise.reject(new Error("wrong"))), { message: "wrong" });

  const rows = await database.sql`select n from t`;
  assert.equal(rows.length, 0);
});
