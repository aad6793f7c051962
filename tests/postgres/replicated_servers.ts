import { stablePort } from "../cluster/ports.ts";
import { waitFor } from "../run/wait.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { type PostgresServer, startPostgres } from "./postgres_server.ts";

/** A primary and a standby of it, on loopback. */
export interface ReplicatedServers extends AsyncDisposable {
  /** Names both, the first primary first. */
  readonly url: string;
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Ends the primary as a crash would. */
  killPrimary(): Promise<void>;
  /** Makes the standby the primary; resolves when it takes writes. */
  promote(): Promise<void>;
}

/** By the first primary's command line alone: the other one, once it is promoted, has nobody to wait for. */
const WAITS_FOR_STANDBY = { synchronous_standby_names: "*", synchronous_commit: "remote_apply" };

/** Starts both; the primary acknowledges nothing that the standby has not got. */
export async function startReplicated(binaries: PostgresBinaries): Promise<ReplicatedServers> {
  await using opening = new AsyncDisposableStack();
  const primary = opening.use(await startPostgres(binaries, { tcpPort: stablePort() }));
  const standby = opening.use(await startPostgres(binaries, { tcpPort: stablePort(), standbyOf: primary }));
  await primary.stop();
  await primary.start(WAITS_FOR_STANDBY);
  await waitFor(async () => await isFollowed(primary) || undefined, { what: "follow the primary", intervalMs: 50 });
  const { user, database } = primary;
  const open = opening.move();
  return {
    url: `postgres://${user}@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/${database}`,
    primary,
    standby,
    killPrimary: () => primary.stopHard(),
    promote: () => standby.asSuperuser(async (sql) => void await sql`select pg_promote()`),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function isFollowed({ asSuperuser }: PostgresServer): Promise<boolean> {
  const rows = await asSuperuser((sql) => sql`select from pg_stat_replication where sync_state = 'sync'`);
  return rows.length > 0;
}
