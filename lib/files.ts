/**
 * Takes the operating system's lock on a file, which it makes: held until it is closed or this process ends, however it
 * ends.
 *
 * @returns `undefined` when someone else holds it.
 */
export async function holdFile(path: string): Promise<Disposable & { close(): void } | undefined> {
  const file = await Deno.open(path, { write: true, create: true, mode: 0o600 });
  if (await file.tryLock(true)) return file;
  file.close();
  return undefined;
}

/** Removes a file, or a folder with all that is in it; one that is not there is as good as removed. */
export async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Bytes that the path of a unix socket may have: the system has room for 108, its end included. */
export const SOCKET_PATH_MAX_BYTES = 107;

/** Whether a unix socket may have this path. */
export function isSocketPath(path: string): boolean {
  return new TextEncoder().encode(path).length <= SOCKET_PATH_MAX_BYTES;
}
