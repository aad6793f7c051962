import { startPooler } from "../pgbouncer/pooler.ts";
import { findPostgres } from "../postgres/postgres_server.ts";
import { type ReplicatedServers, startReplicated } from "../postgres/replicated_servers.ts";
import type { Part } from "../run/parts.ts";
import { adminKey } from "./keys.ts";
import { type Program, type Settings, startBroker, untilReady } from "./programs.ts";

/** Two brokers on one database: a primary and a standby of it. */
export interface ReplicatedBrokers extends AsyncDisposable {
  readonly servers: Pick<ReplicatedServers, "primary" | "standby" | "killPrimary">;
  readonly adminPak: string;
  readonly near: Program;
  /** {@linkcode ReplicatedBrokers.restartFar} replaces it. */
  readonly far: Program;
  /** Makes the standby the primary, for the pooler too, where there is one. */
  promote(): Promise<void>;
  /** Has the pooler stand before the standby, whatever that is by then. */
  movePooler(): Promise<void>;
  /** Starts the far one (again) on its port; resolves when it is ready. */
  restartFar(): Promise<void>;
}

/** Starts all four, and a pooler before the primary where it is among the parts. */
export async function startReplicatedBrokers(parts: readonly Part[]): Promise<ReplicatedBrokers> {
  await using opening = new AsyncDisposableStack();
  const binaries = await findPostgres();
  if (binaries === undefined) throw new Error("Cannot start PostgreSQL: it is not on this machine");
  const servers = opening.use(await startReplicated(binaries));
  const pooler = parts.includes("pgbouncer") ? opening.use(await startPooler(servers.primary)) : undefined;
  const { pak: adminPak, pakHash } = await adminKey();
  const settingsOf = async (): Promise<Settings> => {
    const dataDir = await Deno.makeTempDir({ prefix: "brokkr-replica-" });
    opening.defer(() => Deno.remove(dataDir, { recursive: true }));
    return {
      ...{ BROKER__PAK_HASH: pakHash, DATA_DIR: dataDir, DATABASE__URL: servers.url },
      ...pooler && {
        DATABASE__URL: pooler.through(servers.primary),
        DATABASE__LISTEN_URL: servers.url,
        DATABASE__POOLED: "true",
      },
    };
  };
  const near = opening.use(startBroker(await settingsOf()));
  const settingsOfFar = await settingsOf();
  let far = opening.use(startBroker(settingsOfFar));
  await Promise.all([near, far].map(untilReady));
  const port = Number(new URL(far.url).port);
  const open = opening.move();
  return {
    ...{ servers, adminPak, near },
    get far() {
      return far;
    },
    async promote() {
      await servers.promote();
      await pooler?.moveTo(servers.standby);
    },
    movePooler: async () => await pooler?.moveTo(servers.standby),
    async restartFar() {
      far = open.use(startBroker(settingsOfFar, { port }));
      await untilReady(far);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
