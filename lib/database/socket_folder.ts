import { isSocketPath, removeIfThere } from "$lib/files.ts";

/** A place for a unix socket that only this user can reach. */
export interface SocketFolder {
  /** The socket's path; nothing is there yet. */
  readonly path: string;
  /** Takes away what is not part of the data folder. */
  remove(): Promise<void>;
}

const OWNER_ONLY = 0o700;
const SOCKET = ".s.PGSQL.5432";

/** Makes a folder for a socket: in the data folder, or in the temporary one when the path would be too long. */
export async function openSocketFolder(dataDir: string): Promise<SocketFolder> {
  const near = `${dataDir}/run`;
  const path = `${near}/${SOCKET}`;
  if (isSocketPath(path)) {
    await removeIfThere(near); // a killed process may have left something in it
    await Deno.mkdir(near, { mode: OWNER_ONLY });
    return { path, remove: () => removeIfThere(near) };
  }
  const far = await Deno.makeTempDir({ prefix: "brokkr-" });
  return { path: `${far}/${SOCKET}`, remove: () => removeIfThere(far) };
}
