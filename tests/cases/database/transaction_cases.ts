import assert from "node:assert/strict";
import type { Sql, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { DatabaseCase } from "./database_case.ts";

/** Commit, rollback, and who may use a transaction's connection. */
export const transactionCases: readonly DatabaseCase[] = [
  {
    name: "a transaction is committed when its work resolves, and gives its result",
    async run({ database }) {
      const result = await database.transaction(async (tx) => {
        await tx`insert into items (name) values ('a')`;
        return ["result"];
      });

      assert.deepEqual(result, ["result"]);
      assert.deepEqual(await names(database.sql), ["a"]);
    },
  },
  {
    name: "a transaction is rolled back when its work rejects, and rejects with the same error",
    async run({ database }) {
      const reason = new Error("enough");

      const outcome = database.transaction(async (tx) => {
        await tx`insert into items (name) values ('a')`;
        throw reason;
      });

      await assert.rejects(outcome, (error) => error === reason);
      assert.deepEqual(await names(database.sql), []);
    },
  },
  {
    name: "a bug in a transaction's work is no failure of the database, whatever code it carries",
    async run({ database }) {
      const bug = new assert.AssertionError({ message: "bug" });

      const outcome = database.transaction(() => Promise.reject(bug));

      await assert.rejects(outcome, (error) => error === bug);
    },
  },
  {
    name: "a long transaction is one without a limit of time, committed or rolled back as any other",
    async run({ database }) {
      const reason = new Error("enough");
      const limit = async (sql: Sql) =>
        (await sql<{ value: string }>`select current_setting('statement_timeout') as value`)[0]?.value;
      const usual = await limit(database.sql);

      const inside = await database.longTransaction(async (tx) => {
        await tx`insert into items (name) values ('a')`;
        return await limit(tx);
      });
      const outcome = database.longTransaction(async (tx) => {
        await tx`insert into items (name) values ('b')`;
        throw reason;
      });

      await assert.rejects(outcome, (error) => error === reason);
      assert.deepEqual([inside, await limit(database.sql)], ["0", usual]);
      assert.deepEqual(await names(database.sql), ["a"]);
    },
  },
  {
    name: "a long transaction waits for no connection where there may be one beside the pool's",
    async run({ database, poolSize }) {
      if (poolSize === 1) return;
      const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let waiting = poolSize;
      const others = Array.from({ length: poolSize }, () =>
        database.transaction(async () => {
          waiting -= 1;
          if (waiting === 0) begun.resolve();
          await ended.promise;
        }));
      await begun.promise;

      await database.longTransaction((tx) => tx`insert into items (name) values ('a')`).finally(ended.resolve);

      await Promise.all(others);
      assert.deepEqual(await names(database.sql), ["a"]);
    },
  },
  {
    name: "a transaction whose statement failed is rolled back even if its work goes on",
    async run({ database }) {
      const outcome = database.transaction(async (tx) => {
        await tx`insert into items (name) values ('a')`;
        await tx`insert into items (name) values ('')`.catch(() => {});
      });

      await assert.rejects(outcome, { code: "check_violation" });
      assert.deepEqual(await names(database.sql), []);
    },
  },
  {
    name: "a transaction sees its own rows, others see them after the commit",
    async run({ database }) {
      const inside = await database.transaction(async (tx) => {
        await tx`insert into items (name) values ('a')`;
        return await names(tx);
      });

      assert.deepEqual(inside, ["a"]);
      assert.deepEqual(await names(database.sql), ["a"]);
    },
  },
  {
    name: "a transaction's handle is refused when the transaction has ended",
    async run({ database }) {
      const kept = await database.transaction((tx) => Promise.resolve({ tx }));

      await assert.rejects(kept.tx`select 1`, { message: "Cannot use a transaction: it has ended" });
    },
  },
  {
    name: "the door works on after a rollback",
    async run({ database, poolSize }) {
      for (let i = 0; i <= poolSize; i++) {
        await assert.rejects(database.transaction(() => Promise.reject(new Failure("not_found", "no"))));
      }

      assert.deepEqual(await names(database.sql), []);
    },
  },
  {
    name: "as many transactions as there are connections run at once, the next waits its turn",
    async run({ database, poolSize }) {
      const order: string[] = [];
      const gate = Promise.withResolvers<void>();
      const first = Array.from({ length: poolSize }, () => database.transaction(() => gate.promise));
      const next = database.transaction((tx: Transaction) => {
        order.push("next");
        return names(tx);
      });

      order.push("first");
      gate.resolve();
      await Promise.all([...first, next]);

      assert.deepEqual(order, ["first", "next"]);
    },
  },
];

async function names(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }>`select name from items order by name`;
  return rows.map(({ name }) => name);
}
