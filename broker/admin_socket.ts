import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { holdFile, isSocketPath, removeIfThere, SOCKET_PATH_MAX_BYTES } from "$lib/files.ts";
import type { Log } from "$lib/log.ts";
import { listenOnSocket } from "$lib/serve/listener.ts";
import type { RequestHandler } from "$lib/serve.ts";
import { adminSocketPath } from "./commands/socket_door.ts";

/** What the socket needs. */
export interface AdminSocketOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The socket, while it is served. */
export interface AdminSocket {
  /** Rejects when its listener has ended unasked. */
  readonly failed: Promise<never>;
  /** Finishes what is in flight and takes the socket away. */
  stop(): Promise<void>;
}

const OWNER_ONLY = { folder: 0o700, socket: 0o600 };
const STOP_GRACE_MS = 5_000;

/**
 * Serves `handler` on `<dataDir>/admin.sock`. A broker does its work without it too, so what stands in the way is a
 * warning: a folder that can't be written, another broker that serves there, a path that is too long.
 *
 * @returns Undefined where it is not served.
 */
export async function openAdminSocket(
  handler: RequestHandler,
  options: AdminSocketOptions,
): Promise<AdminSocket | undefined> {
  try {
    return await serve(handler, options);
  } catch (error) {
    options.log.warn("admin socket is not served, so commands go to the database", { error });
    return undefined;
  }
}

/** The lock says that whatever lies there is a dead broker's, or ours. */
async function serve(handler: RequestHandler, { dataDir, clock, log }: AdminSocketOptions): Promise<AdminSocket> {
  const path = adminSocketPath(dataDir);
  const privateFolder = `${dataDir}/.admin`;
  refuseLongPath(`${privateFolder}/s`, path);
  await Deno.mkdir(dataDir, { recursive: true, mode: OWNER_ONLY.folder });
  const lock = await holdFile(`${dataDir}/admin.lock`);
  if (lock === undefined) throw new Failure("cannot_listen", `Cannot serve "${path}": another broker does`);
  try {
    const listener = await listenPrivately(handler, { path, privateFolder, clock, log });
    return {
      failed: listener.failed,
      async stop() {
        await Deno.remove(path).catch((error) => log.warn("admin socket is left behind", { error }));
        await listener.stop(STOP_GRACE_MS);
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

interface SocketPlace {
  readonly path: string;
  readonly privateFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The socket gets its mode in a folder that is closed to others, and only then its place, over a stale one's. */
async function listenPrivately(handler: RequestHandler, { path, privateFolder, clock, log }: SocketPlace) {
  await removeIfThere(privateFolder);
  await Deno.mkdir(privateFolder, { mode: OWNER_ONLY.folder });
  const listener = await listenOnSocket(handler, { path: `${privateFolder}/s`, clock, log });
  try {
    await Deno.chmod(`${privateFolder}/s`, OWNER_ONLY.socket);
    await Deno.rename(`${privateFolder}/s`, path);
    await removeIfThere(privateFolder);
    return listener;
  } catch (error) {
    await listener.stop(0);
    throw error;
  }
}

function refuseLongPath(...paths: readonly string[]): void {
  const long = paths.find((path) => !isSocketPath(path));
  if (long === undefined) return;
  throw new Failure(
    "cannot_listen",
    `Cannot serve "${long}": a socket's path has at most ${SOCKET_PATH_MAX_BYTES} bytes`,
  );
}
