import type { PostgresBinaries } from "./binaries.ts";

const NOBODY = { uid: 65534, gid: 65534 };

/** A user of the machine. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes an empty database cluster in `<folder>/data`, owned by `superuser`, and answers who must run its server:
 * `undefined` is the caller.
 */
export async function initialize(
  { initdb }: PostgresBinaries,
  folder: string,
  superuser: string,
): Promise<User | undefined> {
  const user = Deno.uid() === 0 ? await unprivilegedUser() : undefined;
  if (user !== undefined) await Deno.chown(folder, user.uid, user.gid);
  const { success, stderr } = await new Deno.Command(initdb, {
    args: [
      `--pgdata=${folder}/data`,
      `--username=${superuser}`,
      "--auth=trust",
      "--no-sync",
      "--encoding=UTF8",
      "--locale=C",
    ],
    cwd: folder,
    env: { LC_ALL: "C" },
    ...user,
  }).output();
  if (!success) throw new Error(`Cannot make a database cluster: initdb says:\n${new TextDecoder().decode(stderr)}`);
  return user;
}

/**
 * Makes `<folder>/data` a copy of a running server's, which follows that one; answers as {@linkcode initialize} does.
 */
export async function copyOf(
  { initdb }: PostgresBinaries,
  folder: string,
  server: { readonly socketDir: string; readonly port: number; readonly user: string },
): Promise<User | undefined> {
  const user = Deno.uid() === 0 ? await unprivilegedUser() : undefined;
  if (user !== undefined) await Deno.chown(folder, user.uid, user.gid);
  const { success, stderr } = await new Deno.Command(initdb.replace(/initdb$/, "pg_basebackup"), {
    args: [
      ...[
        `--pgdata=${folder}/data`,
        `--host=${server.socketDir}`,
        `--port=${server.port}`,
        `--username=${server.user}`,
      ],
      ...["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"],
    ],
    cwd: folder,
    env: { LC_ALL: "C" },
    ...user,
  }).output();
  if (!success) throw new Error(`Cannot copy a database cluster: ${new TextDecoder().decode(stderr)}`);
  return user;
}

/** What a server is told by its command line. */
export type ServerSettings = Readonly<Record<string, string>>;

interface ServerPlace {
  readonly folder: string;
  readonly port: number;
  /** Whether it takes connections at that port of loopback, too. */
  readonly isOnLoopback: boolean;
  readonly durable: boolean;
  readonly more: ServerSettings;
}

/** The server's arguments: statements counted, and the disk waited for or not. */
export function serverArguments({ folder, port, isOnLoopback, durable, more }: ServerPlace): string[] {
  const settings = {
    listen_addresses: isOnLoopback ? "127.0.0.1" : "",
    unix_socket_directories: folder,
    port,
    shared_preload_libraries: "pg_stat_statements",
    max_connections: 100,
    fsync: onOff(durable),
    synchronous_commit: onOff(durable),
    full_page_writes: onOff(durable),
    timezone: "UTC",
    ...more,
  };
  return ["-D", `${folder}/data`, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

function onOff(isOn: boolean): "on" | "off" {
  return isOn ? "on" : "off";
}

/** PostgreSQL wants a user that has a name: its own, else nobody. */
export async function unprivilegedUser(): Promise<User> {
  const users = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => line.split(":"));
  const [, , uid, gid] = users.find(([name]) => name === "postgres") ?? [];
  return uid === undefined || gid === undefined ? NOBODY : { uid: Number(uid), gid: Number(gid) };
}
