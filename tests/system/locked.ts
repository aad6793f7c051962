import type { PostgresServer } from "../postgres/postgres_server.ts";

/** A lock that is held until it is released. */
export interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Holds a lock on tables of the broker's: what needs them waits, for at most the 30 s of a statement. */
export function locked(postgres: PostgresServer, tables: string, mode: string): Promise<Lock> {
  return held(postgres, `lock table ${tables} in ${mode} mode`);
}

/** A transaction that goes on after a statement. */
async function held(postgres: PostgresServer, statement: string): Promise<Lock> {
  const [isHeld, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = postgres.asSuperuser((sql) =>
    sql.begin(async (sql) => {
      await sql.unsafe(statement);
      isHeld.resolve();
      await end.promise;
    }), postgres.database);
  holding.catch(isHeld.reject);
  await isHeld.promise;
  const release = async () => {
    end.resolve();
    await holding;
  };
  return { release, [Symbol.asyncDispose]: release };
}

/** Holds jobs of the broker's, as a replica does that runs them: none of them is another's until it is released. */
export function jobsHeld(postgres: PostgresServer, tasks: readonly string[]): Promise<Lock> {
  const locks = tasks.map((task) => `pg_advisory_xact_lock(hashtext(current_schema()), hashtext('job ${task}'))`);
  return held(postgres, `select ${locks.join(", ")}`);
}

/** How many statements wait for a lock, or a transaction's end. */
export async function waiting(postgres: PostgresServer): Promise<number> {
  const [row] = await postgres.asSuperuser((sql) =>
    sql<{ count: number }[]>`select count(*)::int as count from pg_locks where not granted`
  );
  return row?.count ?? 0;
}
