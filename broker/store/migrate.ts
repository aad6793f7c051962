import type { Database, Sql, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { VERSION } from "$lib/program/version.ts";
import { type Migration, MIGRATIONS } from "./migrations/mod.ts";

/** Where the tables are. */
export interface MigrateOptions {
  /** The schema that the database was opened with; made when it is not there. */
  readonly schema: string;
  /** Hears of what a step removed. */
  readonly log?: Log;
}

/**
 * Brings the database to the shape that this program needs; does nothing when it has it. Brokers that start at once
 * take turns: each step runs in a transaction that holds a lock and looks again at how far the database is.
 *
 * @returns How many steps this call ran.
 * @throws {Failure} `invalid_settings` when the database has a step that this program is too old for.
 */
export async function migrate(
  database: Pick<Database, "longTransaction">,
  options: MigrateOptions,
): Promise<number> {
  let steps = 0;
  while (await database.longTransaction((tx) => runNext(tx, options))) steps += 1;
  return steps;
}

/**
 * Whether this program can use the database: every step of its own is there, and none of a newer program's that it is
 * too old for.
 *
 * @throws {Failure} `unavailable` when it cannot be asked.
 */
export async function isSchemaUsable(sql: Sql): Promise<boolean> {
  const steps = await stepsOf(sql);
  return nextAfter(steps) === undefined && !steps.some(isBeyondUs);
}

/** Runs one step; false when none is left. */
async function runNext(tx: Transaction, { schema, log }: MigrateOptions): Promise<boolean> {
  await tx`select pg_advisory_xact_lock(hashtext('brokkr migrate'), hashtext(${schema}))`;
  await makeSchema(tx, schema);
  const steps = await stepsOf(tx);
  const beyondUs = steps.find(isBeyondUs);
  if (beyondUs !== undefined) throw tooNew(beyondUs);
  const next = nextAfter(steps);
  if (next === undefined) return false;
  const { removed = [] } = await next.run(tx) ?? {};
  if (removed.length > 0) log?.warn("the migration removes rows", { step: next.name, removed });
  await record(tx, next);
  return true;
}

/** A name cannot be a parameter of DDL, so it goes through a setting of this transaction and is quoted by `format`. */
async function makeSchema(tx: Transaction, schema: string): Promise<void> {
  if ((await tablesOfSteps(tx)).has("migrations")) return;
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

async function record(tx: Transaction, { number, name, oldestProgram }: Migration): Promise<void> {
  if (oldestProgram === undefined) await tx`insert into migrations (number, name) values (${number}, ${name})`;
  else await tx`insert into schema_steps (number, name, oldest_program) values (${number}, ${name}, ${oldestProgram})`;
}

/** A step that the database has. */
interface Step {
  readonly number: number;
  readonly name: string;
  /** The oldest version whose programs can use a database with it; null in `migrations`, which knows of none. */
  readonly oldest_program: string | null;
}

async function stepsOf(sql: Sql): Promise<readonly Step[]> {
  const tables = await tablesOfSteps(sql);
  const first = tables.has("migrations")
    ? await sql<Step>`select number, name, null as oldest_program from migrations order by number`
    : [];
  if (!tables.has("schema_steps")) return first;
  return [...first, ...await sql<Step>`select number, name, oldest_program from schema_steps order by number`];
}

async function tablesOfSteps(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ tablename: string }>`
    select tablename from pg_tables
    where schemaname = current_schema() and tablename in ('migrations', 'schema_steps')`;
  return new Set(rows.map(({ tablename }) => tablename));
}

function nextAfter(steps: readonly Step[]): Migration | undefined {
  const done = new Set(steps.map(({ number }) => number));
  return MIGRATIONS.find(({ number }) => !done.has(number));
}

/** Nobody knows what a step in `migrations` that is not ours does: none was to come there after 0.10.0. */
function isBeyondUs({ number, oldest_program: oldest }: Step): boolean {
  if (oldest !== null) return isNewer(oldest, VERSION);
  return !MIGRATIONS.some((own) => own.number === number && own.oldestProgram === undefined);
}

/** By numbers: 0.11.0 is newer than 0.9.0. */
function isNewer(version: string, than: string): boolean {
  const [ours, theirs] = [partsOf(than), partsOf(version)];
  const differing = theirs.findIndex((part, index) => part !== ours[index]);
  return differing >= 0 && (theirs[differing] ?? 0) > (ours[differing] ?? 0);
}

/** What comes after a third number, such as `-rc.1`, is passed over. */
function partsOf(version: string): readonly number[] {
  return version.split(/[.+-]/, 3).map(Number);
}

function tooNew({ number, name, oldest_program: oldest }: Step): Failure {
  const needed = oldest === null ? "is of another program" : `needs a broker of ${oldest} or later`;
  return new Failure(
    "invalid_settings",
    `Cannot use the database: its step ${number} "${name}" ${needed}, this is ${VERSION}; ` +
      "start a newer broker, or restore the database from before the upgrade",
  );
}
