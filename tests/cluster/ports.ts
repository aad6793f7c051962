import { cacheFolder } from "./binaries.ts";

const LOWEST = 20_000;
const HIGHEST = 32_000;
const MAX_STARTS = 3;

/**
 * A free loopback port below those that the kernel gives to outgoing connections, so that a server that is stopped
 * finds it free again at its next start; `wanted`, when that one is free. Whoever asks on this machine is given the
 * next one, so that nobody else gets it before the server listens.
 */
export function stablePort(wanted = 0): number {
  if (wanted !== 0 && isFree(wanted)) return wanted;
  using file = lockedCounter();
  for (let tries = 0, last = readPort(file); tries < 200; tries++) {
    last = last < LOWEST || last >= HIGHEST ? LOWEST : last + 1;
    if (!isFree(last)) continue;
    writePort(file, last);
    return last;
  }
  throw new Error(`Cannot find a free port: 200 of ${LOWEST}..${HIGHEST} are taken`);
}

/** Starts something on ports of {@linkcode stablePort}, again on others where somebody was faster on one of them. */
export async function onFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await start();
    } catch (error) {
      if (tries === MAX_STARTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

/** The port that was given last, for one process at a time; closing it ends that. */
function lockedCounter(): Deno.FsFile {
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  const file = Deno.openSync(`${cacheFolder()}/last-port`, { read: true, write: true, create: true });
  file.lockSync(true);
  return file;
}

function readPort(file: Deno.FsFile): number {
  const bytes = new Uint8Array(16);
  return Number(new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0)));
}

function writePort(file: Deno.FsFile, port: number): void {
  file.truncateSync();
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(new TextEncoder().encode(String(port)));
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}
