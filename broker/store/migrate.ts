import { Failure } from "$lib/error.ts";
import type { Database, Sql, Transaction } from "$lib/database.ts";
import { MIGRATIONS } from "./migrations/mod.ts";

/** Where the tables are. */
export interface MigrateOptions {
  /** The schema that the database was opened with; made when it is not there. */
  readonly schema: string;
}

/**
 * Brings the database to the shape that this program needs; does nothing when it has it. Brokers that start at once
 * take turns: each step runs in a transaction that holds a lock and looks again at how far the database is.
 *
 * @returns How many steps this call ran.
 * @throws {Failure} `invalid_settings` when the database is newer than this program.
 */
export async function migrate(database: Database, { schema }: MigrateOptions): Promise<number> {
  let steps = 0;
  while (await database.transaction((tx) => runNext(tx, schema))) steps += 1;
  return steps;
}

/**
 * Whether the database has exactly the shape that this program needs.
 *
 * @throws {Failure} `unavailable` when it cannot be asked.
 */
export async function isSchemaCurrent(sql: Sql): Promise<boolean> {
  return await hasMigrations(sql) && await currentNumber(sql) === lastNumber();
}

/** Runs one step; false when none is left. */
async function runNext(tx: Transaction, schema: string): Promise<boolean> {
  await tx`select pg_advisory_xact_lock(hashtext('brokkr migrate'), hashtext(${schema}))`;
  await makeSchema(tx, schema);
  const current = await currentNumber(tx);
  if (current > lastNumber()) throw tooNew(current);
  const next = MIGRATIONS.find(({ number }) => number > current);
  if (next === undefined) return false;
  await next.run(tx);
  await tx`insert into migrations (number, name) values (${next.number}, ${next.name})`;
  return true;
}

/** A name cannot be a parameter of DDL, so it goes through a setting of this transaction and is quoted by `format`. */
async function makeSchema(tx: Transaction, schema: string): Promise<void> {
  if (await hasMigrations(tx)) return;
  await tx`select set_config('brokkr.schema', ${schema}, true)`;
  await tx`
    do $$ begin
      execute format('create schema if not exists %I', current_setting('brokkr.schema'));
    end $$`;
  await tx`
    create table migrations (
      number integer primary key,
      name text not null,
      created_at timestamptz not null default now()
    )`;
}

async function hasMigrations(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ is_there: boolean }>`
    select exists (
      select from pg_tables where schemaname = current_schema() and tablename = 'migrations'
    ) as is_there`;
  return row?.is_there ?? false;
}

async function currentNumber(sql: Sql): Promise<number> {
  const [row] = await sql<{ number: number }>`select coalesce(max(number), 0) as number from migrations`;
  return row?.number ?? 0;
}

function lastNumber(): number {
  return MIGRATIONS.at(-1)?.number ?? 0;
}

function tooNew(current: number): Failure {
  return new Failure(
    "invalid_settings",
    `Cannot use the database: its schema is number ${current}, this program knows up to ${lastNumber()}; ` +
      "start a newer broker, or restore the database from before the upgrade",
  );
}
