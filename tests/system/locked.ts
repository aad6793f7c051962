import type { PostgresServer } from "../postgres/postgres_server.ts";

/** A lock that is held until it is released. */
export interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Holds a lock on tables of the broker's: what needs them waits, for at most the 30 s of a statement. */
export async function locked(postgres: PostgresServer, tables: string, mode: string): Promise<Lock> {
  const [isHeld, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held = postgres.asSuperuser((sql) =>
    sql.begin(async (sql) => {
      await sql.unsafe(`lock table ${tables} in ${mode} mode`);
      isHeld.resolve();
      await end.promise;
    }), postgres.database);
  held.catch(isHeld.reject);
  await isHeld.promise;
  const release = async () => {
    end.resolve();
    await held;
  };
  return { release, [Symbol.asyncDispose]: release };
}

/** How many statements wait for a lock, or a transaction's end. */
export async function waiting(postgres: PostgresServer): Promise<number> {
  const [row] = await postgres.asSuperuser((sql) =>
    sql<{ count: number }[]>`select count(*)::int as count from pg_locks where not granted`
  );
  return row?.count ?? 0;
}
