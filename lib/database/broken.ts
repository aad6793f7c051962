import type { Statements } from "./driver.ts";
import { breaksConnection } from "./failures.ts";

/** What runs inside of a transaction. */
type Work<T> = (tx: Statements) => Promise<T>;

/**
 * Runs `work` in a transaction that `begin` begins, and rejects as soon as a statement finds the connection broken. To
 * the driver such work never ends: postgres.js 3.4.9 would send its `rollback` or `commit` to a socket that is gone,
 * and that ends the program.
 */
export async function unlessBroken<T>(begin: (work: Work<T>) => Promise<T>, work: Work<T>): Promise<T> {
  const broken = Promise.withResolvers<never>();
  let isBroken = false;

  async function noted<R>(answer: Promise<R>): Promise<R> {
    try {
      return await answer;
    } catch (error) {
      if (breaksConnection(error)) {
        isBroken = true;
        broken.reject(error);
      }
      throw error;
    }
  }

  const ended = begin(({ run, command }) =>
    new Promise<T>((resolve, reject) => {
      const ifWhole = <V>(settle: (value: V) => void) => (value: V) => {
        if (!isBroken) settle(value);
      };
      const watched: Statements = {
        run: (piece, values) => noted(run(piece, values)),
        command: (text) => noted(command(text)),
      };
      work(watched).then(ifWhole(resolve), ifWhole(reject));
    })
  );
  ended.catch(() => isBroken = true); // it may break while no statement runs
  return await Promise.race([broken.promise, ended]);
}
