import type { SqlValue, Transaction } from "$lib/database.ts";
import type { Driver, Statements } from "./driver.ts";
import { breaksConnection, unavailable } from "./failures.ts";
import type { Meter } from "./meter.ts";
import type { Notices } from "./notices.ts";
import { sqlOver } from "./sql.ts";

/** What a transaction needs of its door. */
export interface TransactionParts {
  readonly meter: Pick<Meter, "measure" | "timed">;
  readonly notices: Notices;
  /** Waits for a statement's answer as the door does. */
  readonly answered: <T>(statement: () => Promise<T>) => Promise<T>;
  /** Hears of an error of the driver, and says what it means. */
  readonly failed: (error: unknown) => unknown;
}

/** Where a transaction stands: after `broken` nothing may be sent, for the driver would write to a closed socket. */
type TransactionState = "open" | "ended" | "broken";

/** Runs `work` in one transaction of `driver`; its notices go out when it has committed. */
export async function inTransaction<T>(
  driver: Driver,
  work: (tx: Transaction) => Promise<T>,
  parts: TransactionParts,
): Promise<T> {
  let state: TransactionState = "open";
  let ownError: unknown;
  const outbox = parts.notices.outbox();

  async function send<R>(statement: () => Promise<R>): Promise<R> {
    if (state === "broken") throw unavailable("the transaction's connection is gone");
    if (state === "ended") throw new Error("Cannot use a transaction: it has ended");
    try {
      return await parts.answered(statement);
    } catch (error) {
      if (breaksConnection(error)) state = "broken";
      throw parts.failed(error);
    }
  }

  function handle(tx: Statements): Transaction {
    const run = (piece: TemplateStringsArray, values: readonly SqlValue[]) => send(() => tx.run(piece, values));
    return Object.assign(sqlOver((piece, values) => parts.meter.measure(piece, values, run)), {
      notify: (channel: string, payload: string) => send(() => outbox.put(tx, { channel, payload })),
    });
  }

  async function working(tx: Statements): Promise<T> {
    try {
      return await work(handle(tx));
    } catch (error) {
      ownError = error;
      throw error;
    }
  }

  try {
    const result = await begin(driver, working, parts);
    state = "ended";
    outbox.deliver();
    return result;
  } catch (error) {
    const isOwn = error === ownError; // whatever it looks like, it says nothing of the connection
    state = !isOwn && breaksConnection(error) ? "broken" : "ended";
    throw isOwn ? error : parts.failed(error);
  }
}

/**
 * Begins and commits; both are statements that the driver sends by itself, and are waited for as all others are. So is
 * the rollback of work that failed, which is no commit that failed.
 */
async function begin<T>(
  driver: Driver,
  work: (tx: Statements) => Promise<T>,
  { answered, meter }: Pick<TransactionParts, "answered" | "meter">,
): Promise<T> {
  const [begun, worked] = [Promise.withResolvers<void>(), Promise.withResolvers<"done" | "failed">()];
  const ended = driver.begin((tx) => {
    begun.resolve();
    const working = work(tx);
    working.then(() => worked.resolve("done"), () => worked.resolve("failed"));
    return working;
  });
  await meter.timed("begin", () => answered(() => Promise.race([begun.promise, ended])));
  const answer = () => answered(() => ended);
  return await Promise.race([worked.promise, ended]) === "failed"
    ? await answer()
    : await meter.timed("commit", answer);
}
