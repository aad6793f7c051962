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
