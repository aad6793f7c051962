import type { Share, SharedDatabase, Sql, Transaction } from "$lib/database.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { Line } from "./settle_lines.ts";
import type { Notifier } from "./notifier.ts";
import type { Settler } from "./settler.ts";

/** What a store's file works on: a database, or a transaction in which `transaction` goes on in the same one. */
export interface Handle {
  readonly sql: Sql;
  /** Runs `work` in one transaction; `committed` hears its result once that is lasting, and not when it is undone. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, committed?: (result: T) => void): Promise<T>;
  /** Runs `work` once what was done so far is lasting: at once, where each statement is a transaction of its own. */
  whenLasting(work: () => void): void;
  /** Takes lines that a transaction of this handle has written. */
  settled(lines: readonly Line[]): Promise<void>;
  /** Tells everyone what a transaction changed, once it is lasting: from its `committed`. */
  readonly notices: Pick<Notifier, "changed" | "agentsChanged">;
  readonly tracing: StoreTracing;
}

/** What a store needs of tracing. */
export type StoreTracing = Pick<Tracing, "begin" | "current" | "within">;

/** What handles share. */
export interface HandleParts {
  readonly settler: Settler;
  readonly notices: Notifier;
  readonly tracing: StoreTracing;
}

/** A handle for each share of the pool; in a transaction they are the same one. */
export type Handles = Readonly<Record<Share, Handle>>;

/** The handle of a database: each transaction is one of its own. */
export function outside(database: SharedDatabase, { settler, notices, tracing }: HandleParts): Handle {
  return {
    sql: database.sql,
    async transaction(work, committed) {
      const result = await database.transaction(work);
      committed?.(result);
      return result;
    },
    whenLasting: (work) => work(),
    settled: (lines) => settler.soon(lines),
    ...{ notices, tracing },
  };
}

/**
 * Runs `work` with the handle of one transaction of `handle`; what is committed in it is heard of when that one is. It
 * settles within, to be seen there: what others associate at the same time, and have not committed, is not.
 */
export function inside<T>(
  handle: Handle,
  { settler, notices, tracing }: HandleParts,
  work: (handle: Handle) => Promise<T>,
): Promise<T> {
  const lasting: (() => void)[] = [];
  const within = (tx: Transaction): Handle => ({
    sql: tx,
    async transaction(work, committed) {
      const result = await work(tx);
      if (committed !== undefined) lasting.push(() => committed(result));
      return result;
    },
    whenLasting: (work) => void lasting.push(work),
    async settled(lines) {
      const agentIds = await settler.within(tx, lines);
      lasting.push(() => notices.agentsChanged(agentIds));
    },
    ...{ notices, tracing },
  });
  return handle.transaction((tx) => work(within(tx)), () => lasting.forEach((notify) => notify()));
}
