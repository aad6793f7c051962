import type { Sql } from "$lib/database.ts";
import { identities } from "./0001_identities.ts";
import { stacks } from "./0002_stacks.ts";
import { deliveries } from "./0003_deliveries.ts";

/** A step from one shape of the database to the next. Once released it is never changed. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Runs inside a transaction of its own. */
  run(sql: Sql): Promise<void>;
}

/** Every migration, in order. Imported by name, so that a compiled program carries them. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: "identities", run: identities },
  { number: 2, name: "stacks", run: stacks },
  { number: 3, name: "deliveries", run: deliveries },
];
