import assert from "node:assert/strict";
import type { Sql } from "$lib/database.ts";
import { type ErrorCode, Failure } from "$lib/error.ts";
import { newId } from "$lib/ids.ts";
import type { DatabaseCase } from "./database_case.ts";

interface Wrong {
  readonly what: string;
  readonly code: ErrorCode;
  readonly details?: Readonly<Record<string, unknown>>;
  run(sql: Sql): Promise<unknown>;
}

const WRONGS: readonly Wrong[] = [
  {
    what: "a second row with the same unique value",
    code: "unique_violation",
    details: { constraint: "items_name_key" },
    run: (sql) => sql`insert into items (name) values ('secret-a'), ('secret-a')`,
  },
  {
    what: "a reference to nothing",
    code: "foreign_key_violation",
    details: { constraint: "items_parent_fkey" },
    run: (sql) => sql`insert into items (name, parent) values ('secret-a', ${newId()})`,
  },
  {
    what: "a value that a check refuses",
    code: "check_violation",
    details: { constraint: "items_name_check" },
    run: (sql) => sql`insert into items (name) values ('')`,
  },
  {
    what: "a missing value",
    code: "not_null_violation",
    details: { column: "name" },
    run: (sql) => sql`insert into items (size) values (1)`,
  },
  {
    what: "a malformed id",
    code: "invalid_parameters",
    run: (sql) => sql`select name from items where id = ${"secret-a"}`,
  },
  {
    what: "a number out of range",
    code: "invalid_parameters",
    run: (sql) => sql`select name from items where size = ${2n ** 64n}`,
  },
  {
    what: "a text with a NUL",
    code: "invalid_parameters",
    run: (sql) => sql`select ${"secret-a\0b"}::text as name`,
  },
  {
    what: "JSON with a NUL",
    code: "invalid_parameters",
    run: (sql) => sql`select ${sql.json("secret-a\0b")}::jsonb as shape`,
  },
];

/** Expected failures have a code, a cause and a message without values; wrong SQL stays what it is: a bug. */
export const failureCases: readonly DatabaseCase[] = [
  ...WRONGS.map(({ what, code, details, run }): DatabaseCase => ({
    name: `${what} is ${code}, without the value in its message`,
    async run({ database }) {
      const error = await run(database.sql).then(() => undefined, (error) => error);

      assert.equal(error instanceof Failure && error.code, code);
      if (details !== undefined) assert.deepEqual(error.details, details);
      assert.equal(error.cause instanceof Error, true);
      assert.doesNotMatch(error.message, /secret/);
    },
  })),
  {
    name: "the same failure inside a transaction has the same code",
    async run({ database }) {
      const outcome = database.transaction((tx) => tx`insert into items (name) values ('a'), ('a')`);

      await assert.rejects(outcome, { code: "unique_violation", details: { constraint: "items_name_key" } });
    },
  },
  {
    name: "wrong SQL is no failure",
    async run({ database }) {
      const error = await database.sql`select nothing_of_that_name`.then(() => undefined, (error) => error);

      assert.equal(error instanceof Error && !(error instanceof Failure), true);
    },
  },
  {
    name: "what the server lacks is unavailable, named for what that is, and nothing of what it says is repeated",
    async run({ database: { sql } }) {
      const full = sql`do $$ begin raise exception 'secret-a' using errcode = '53100'; end $$`;
      await assert.rejects(full, { code: "unavailable", message: "Cannot use the database: its disk is full (53100)" });

      const small = sql`do $$ begin raise exception 'secret-a' using errcode = '53200'; end $$`;
      const message = "Cannot use the database: it has too little memory (53200)";
      await assert.rejects(small, { code: "unavailable", message });
    },
  },
  {
    name: "a statement that finds no connection is unavailable after 5 s, and the door lives on",
    async run({ database, clock, poolSize }) {
      const gate = Promise.withResolvers<void>();
      const held = Array.from({ length: poolSize }, () => database.transaction(() => gate.promise));
      const outcome = database.sql`select 1`.then(() => "answered", (error) => error.code);

      await clock.advance(4_999);
      const early = await Promise.race([outcome, "waiting"]);
      await clock.advance(1);
      const late = await outcome;
      gate.resolve();
      await Promise.all(held);

      assert.deepEqual([early, late], ["waiting", "unavailable"]);
      assert.equal((await database.sql`select 1 as one`).length, 1);
    },
  },
];
