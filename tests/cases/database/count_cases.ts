import assert from "node:assert/strict";
import { waitFor } from "../../run/wait.ts";
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
    name: "a statement that fails is counted, timed, and counted as failed, outside of transactions and inside",
    async run({ database, statements }) {
      await assert.rejects(database.sql`insert into items (name) values ('')`);
      await assert.rejects(database.transaction(async (tx) => {
        await tx`select name from items`;
        await tx`update items set name = 1 / 0`;
      }));

      assert.deepEqual(statements.counts(), { select: 1, insert: 1, update: 1, delete: 0 });
      assert.deepEqual(statements.errors(), { select: 0, insert: 1, update: 1, delete: 0 });
      assert.deepEqual(statements.seconds("insert"), [0]);
    },
  },
  {
    name: "a statement that succeeds is no error, though its transaction is rolled back",
    async run({ database, statements }) {
      await assert.rejects(database.transaction(async (tx) => {
        await tx`insert into items (name) values ('a')`;
        throw new Error("enough");
      }));

      assert.equal(statements.counts().insert, 1);
      assert.equal(statements.errors().insert, 0);
    },
  },
  {
    name: "connections are busy while statements and transactions run, and stay open",
    async run({ database, statements, poolSize }) {
      await waitFor(() => Promise.resolve((statements.connections().open ?? 0) <= poolSize || undefined), {
        what: "see the connections of earlier cases closed, which listened",
      });
      const gate = Promise.withResolvers<void>();
      const inside = Array.from({ length: poolSize }, () => Promise.withResolvers<void>());
      const held = inside.map(({ resolve }) =>
        database.transaction(async (tx) => {
          await tx`select 1 as one`;
          resolve();
          await gate.promise;
        })
      );
      const waits = database.sql`select 1 as one`;

      await Promise.all(inside.map(({ promise }) => promise));
      const during = statements.connections();
      gate.resolve();
      await Promise.all([...held, waits]);
      const after = statements.connections();

      assert.deepEqual(during, { open: poolSize, busy: poolSize, limit: poolSize });
      assert.deepEqual(after, { open: poolSize, busy: 0, limit: poolSize });
    },
  },
  {
    name: "a statement that found no connection is counted and failed, with the time that its caller waited",
    async run({ database, statements, clock, poolSize }) {
      const gate = Promise.withResolvers<void>();
      const held = Array.from({ length: poolSize }, () => database.transaction(() => gate.promise));
      const outcome = assert.rejects(database.sql`update items set size = 1`, { code: "unavailable" });

      await clock.advance(5_000);
      await outcome;
      gate.resolve();
      await Promise.all(held);

      assert.equal(statements.counts().update, 1);
      assert.equal(statements.errors().update, 1);
      assert.deepEqual(statements.seconds("update"), [5]);
    },
  },
  {
    name: "a transaction's wait for a connection is its first statement's",
    async run({ database, statements, clock, poolSize }) {
      const gate = Promise.withResolvers<void>();
      const held = Array.from({ length: poolSize }, () => database.transaction(() => gate.promise));
      const waits = database.transaction(async (tx) => {
        await tx`set local work_mem = '8MB'`;
        await tx`update items set size = 1`;
        await tx`update items set size = 2`;
      });

      await clock.advance(2_000);
      gate.resolve();
      await Promise.all([...held, waits]);

      assert.deepEqual(statements.seconds("update"), [2, 0]);
    },
  },
  {
    name: "a transaction's begin and commit are timed, one that is undone has no commit, a statement alone neither",
    async run({ database, statements }) {
      await database.sql`select 1 as one`;
      await database.share("bulk").transaction((tx) => tx`insert into items (name) values ('a')`);
      await assert.rejects(database.transaction(() => Promise.reject(new Error("enough"))));

      assert.deepEqual(statements.transactions(), ["begin", "commit", "begin"]);
    },
  },
];
