import { type SimulatedCluster, startSimulatedCluster } from "../fakes/cluster/mod.ts";
import { migratedDataDir } from "../fakes/databases.ts";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  findControlPlane,
  startControlPlane,
} from "../cluster/control_plane.ts";
import { startPooler } from "../pgbouncer/pooler.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../postgres/postgres_server.ts";
import type { Part } from "../run/parts.ts";
import { type ClusterHand, clusterHand } from "./cluster_hand.ts";
import type { Settings } from "./programs.ts";

/**
 * The database and the cluster under a story; `postgres` is there where it is a server, and one of `simulated` and
 * `controlPlane`.
 */
export interface StoryServers extends DatabaseServer, ClusterServer, AsyncDisposable {}

interface DatabaseServer {
  /** The broker's settings that name the database. */
  readonly databaseSettings: Settings;
  readonly postgres?: PostgresServer;
}

interface ClusterServer {
  readonly cluster: ClusterHand;
  readonly simulated?: SimulatedCluster;
  readonly controlPlane?: ControlPlane;
}

/** Starts a database and a cluster of the story's own. */
export async function startServers(parts: readonly Part[], options: ControlPlaneOptions = {}): Promise<StoryServers> {
  const started = new AsyncDisposableStack();
  try {
    const database = parts.includes("postgres")
      ? await postgres(started, parts.includes("pgbouncer"))
      : await embedded(started);
    const cluster = parts.includes("nodes") ? await real(started, options) : await simulated(started);
    return { ...database, ...cluster, [Symbol.asyncDispose]: () => started.disposeAsync() };
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function embedded(started: AsyncDisposableStack): Promise<DatabaseServer> {
  const dataDir = started.use(await migratedDataDir());
  return { databaseSettings: { DATA_DIR: dataDir.path } };
}

async function postgres(started: AsyncDisposableStack, isPooled: boolean): Promise<DatabaseServer> {
  const binaries = await findPostgres();
  if (binaries === undefined) throw new Error("Cannot start PostgreSQL: it is not on this machine");
  const server = started.use(await startPostgres(binaries));
  const pooler = isPooled ? started.use(await startPooler(server)) : undefined;
  const dataDir = await Deno.makeTempDir({ prefix: "brokkr-world-" });
  started.defer(() => Deno.remove(dataDir, { recursive: true }));
  const names: Settings = pooler === undefined ? { DATABASE__URL: server.url } : {
    DATABASE__URL: pooler.through(server),
    DATABASE__LISTEN_URL: server.url,
    DATABASE__POOLED: "true",
  };
  return { databaseSettings: { ...names, DATA_DIR: dataDir }, postgres: server };
}

async function simulated(started: AsyncDisposableStack): Promise<ClusterServer> {
  const server = started.use(await startSimulatedCluster());
  return { cluster: started.use(await clusterHand({ ...server, token: "simulated" })), simulated: server };
}

async function real(started: AsyncDisposableStack, options: ControlPlaneOptions): Promise<ClusterServer> {
  const binaries = await findControlPlane();
  if (binaries === undefined) throw new Error("Cannot start a control plane: it is not on this machine");
  const server = started.use(await startControlPlane(binaries, options));
  return { cluster: started.use(await clusterHand(server)), controlPlane: server };
}
