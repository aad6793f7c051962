import type { Sql, Transaction } from "$lib/database.ts";

/** What a store's file works on: a database, or a transaction in which `transaction` goes on in the same one. */
export interface Handle {
  readonly sql: Sql;
  /** Runs `work` in one transaction. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** The handle of a transaction that runs already. */
export function within(tx: Transaction): Handle {
  return { sql: tx, transaction: (work) => work(tx) };
}
