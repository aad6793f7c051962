import { stablePort } from "../cluster/ports.ts";
import type { DatabaseAddress } from "../postgres/postgres_server.ts";
import { unprivilegedUser, type User } from "../postgres/initialize.ts";
import { GuardedProcesses } from "../run/guarded_processes.ts";
import { waitFor } from "../run/wait.ts";
import { locatePgBouncer, type PgBouncerBinaries } from "./binaries.ts";

/** A PgBouncer before a server. */
export interface Pooler extends AsyncDisposable {
  /** The address of the same database through it. */
  through(database: DatabaseAddress): string;
  /** Stands before another server from now on, as who promotes a standby has it do. */
  moveTo(server: DatabaseAddress): Promise<void>;
}

/** Few, so that transactions really change connections. */
const SERVER_CONNECTIONS = 4;

/** Starts PgBouncer in transaction mode before the server of a database. */
export async function startPooler(server: DatabaseAddress): Promise<Pooler> {
  const binaries = locatePgBouncer();
  if (binaries === undefined) throw new Error("Cannot start PgBouncer: it is not on this machine");
  await using opening = new AsyncDisposableStack();
  const processes = opening.use(await GuardedProcesses.open("pgbouncer"));
  const { folder } = processes;
  const listenPort = stablePort();
  const owner = Deno.uid() === 0 ? await unprivilegedUser() : undefined;
  await Deno.writeTextFile(`${folder}/users`, `"${server.user}" ""\n`);
  const standBefore = ({ socketDir, port }: DatabaseAddress) =>
    Deno.writeTextFile(
      `${folder}/pgbouncer.ini`,
      [
        ...["[databases]", `* = host=${socketDir} port=${port}`],
        ...["[pgbouncer]", "listen_addr = 127.0.0.1", `listen_port = ${listenPort}`, "unix_socket_dir ="],
        ...["auth_type = trust", `auth_file = ${folder}/users`],
        "server_login_retry = 1", // seconds: a server that is restarted is found soon
        ...["pool_mode = transaction", "max_client_conn = 200", `default_pool_size = ${SERVER_CONNECTIONS}`],
      ].join("\n"),
    );
  await standBefore(server);
  await copyProgram(binaries, folder); // its user may not look into the cache
  if (owner !== undefined) await giveTo(owner, ["", "/users", "/pgbouncer.ini"].map((name) => `${folder}${name}`));
  const { pid } = await processes.start({
    ...{ name: "pgbouncer", program: `${folder}/pgbouncer`, args: [`${folder}/pgbouncer.ini`], user: owner },
    env: { LD_LIBRARY_PATH: folder },
  });
  await waitFor(() => connected(listenPort), { what: "start PgBouncer", intervalMs: 25 });
  const open = opening.move();
  return {
    through: ({ user, database }) => `postgres://${user}@127.0.0.1:${listenPort}/${database}`,
    async moveTo(other) {
      await standBefore(other);
      Deno.kill(pid, "SIGHUP");
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function copyProgram({ pgbouncer, libraries }: PgBouncerBinaries, folder: string): Promise<void> {
  await Deno.copyFile(pgbouncer, `${folder}/pgbouncer`);
  for await (const { name } of Deno.readDir(libraries)) {
    await Deno.copyFile(`${libraries}/${name}`, `${folder}/${name}`);
  }
}

async function giveTo({ uid, gid }: User, paths: readonly string[]): Promise<void> {
  for (const path of paths) await Deno.chown(path, uid, gid);
}

async function connected(port: number): Promise<true> {
  using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
  return true;
}
