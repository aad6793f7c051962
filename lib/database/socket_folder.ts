/** A place for a unix socket that only this user can reach. */
export interface SocketFolder {
  /** The socket's path; nothing is there yet. */
  readonly path: string;
  /** Takes away what is not part of the data folder. */
  remove(): Promise<void>;
}

/** A socket's path has room for 108 bytes, its end included. */
const MAX_PATH_BYTES = 107;
const OWNER_ONLY = 0o700;
const SOCKET = ".s.PGSQL.5432";

/** Makes a folder for a socket: in the data folder, or in the temporary one when the path would be too long. */
export async function openSocketFolder(dataDir: string): Promise<SocketFolder> {
  const near = `${dataDir}/run`;
  const path = `${near}/${SOCKET}`;
  if (new TextEncoder().encode(path).length <= MAX_PATH_BYTES) {
    await removed(near);
    await Deno.mkdir(near, { mode: OWNER_ONLY });
    return { path, remove: () => removed(near) };
  }
  const far = await Deno.makeTempDir({ prefix: "brokkr-" });
  return { path: `${far}/${SOCKET}`, remove: () => removed(far) };
}

/** Removes a folder with what a killed process may have left in it. */
async function removed(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
