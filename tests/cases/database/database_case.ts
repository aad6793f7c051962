import type { Database, Sql } from "$lib/database.ts";
import type { ManualClock } from "../../fakes/manual_clock.ts";
import type { RecordedStatements } from "../../fakes/recorded_statements.ts";

/** What a case runs on: a door with an empty table `items`, a clock that stands still, and what the door recorded. */
export interface CaseDatabase {
  readonly database: Database;
  readonly clock: ManualClock;
  readonly statements: RecordedStatements;
  /** How many connections the door has. */
  readonly poolSize: number;
}

/** One thing that every database must do. */
export interface DatabaseCase {
  /** A claim. */
  readonly name: string;
  run(on: CaseDatabase): Promise<void>;
}

/** Makes the table that the cases use. */
export async function makeItems(sql: Sql): Promise<void> {
  await sql`
    create table items (
      id uuid primary key default gen_random_uuid(),
      name text not null constraint items_name_key unique constraint items_name_check check (name <> ''),
      parent uuid constraint items_parent_fkey references items,
      size bigint,
      share numeric,
      is_open boolean,
      made_at timestamptz,
      shape jsonb,
      tags text[],
      sizes bigint[]
    )`;
}

/** Runs `run` on an empty table, with nothing recorded yet. */
export async function runCase({ run }: DatabaseCase, on: CaseDatabase): Promise<void> {
  await on.database.sql`delete from items`;
  on.statements.forget();
  await run(on);
}
