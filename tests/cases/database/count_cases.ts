import assert from "node:assert/strict";
import type { DatabaseCase } from "./database_case.ts";

/** What the door counts and times. */
export const countCases: readonly DatabaseCase[] = [
  {
    name: "each statement is counted once by its main verb, in and outside of transactions",
    async run({ database, statements }) {
      const { sql } = database;

      await sql`insert into items (name) values ('a')`;
      await sql`with n as (select 'b' as name) insert into items (name) select name from n`;
      await sql`update items set size = 1 where name = 'a'`;
      await sql`delete from items where name = any(${["a"]})`;
      await database.transaction(async (tx) => {
        await tx`select name from items`;
        await tx`with gone as (delete from items returning name) select name from gone`;
      });

      assert.deepEqual(statements.counts(), { select: 2, insert: 2, update: 1, delete: 1 });
    },
  },
  {
    name: "transaction control, settings, DDL and notices are not counted",
    async run({ database, statements }) {
      await database.transaction(async (tx) => {
        await tx`set local work_mem = '8MB'`;
        await tx`create temporary table t (n int) on commit drop`;
        await tx.notify("items", "x");
      });

      assert.deepEqual(statements.counts(), { select: 0, insert: 0, update: 0, delete: 0 });
    },
  },
  {
    name: "a statement that fails is counted and timed",
    async run({ database: { sql }, statements }) {
      await assert.rejects(sql`insert into items (name) values ('')`);

      assert.equal(statements.counts().insert, 1);
      assert.deepEqual(statements.seconds("insert"), [0]);
    },
  },
  {
    name: "a statement that found no connection is counted, with the time that its caller waited",
    async run({ database, statements, clock, poolSize }) {
      const gate = Promise.withResolvers<void>();
      const held = Array.from({ length: poolSize }, () => database.transaction(() => gate.promise));
      const outcome = assert.rejects(database.sql`update items set size = 1`, { code: "unavailable" });

      await clock.advance(5_000);
      await outcome;
      gate.resolve();
      await Promise.all(held);

      assert.equal(statements.counts().update, 1);
      assert.deepEqual(statements.seconds("update"), [5]);
    },
  },
];
