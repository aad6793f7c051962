const LOWEST = 20_000;
const HIGHEST = 32_000;
const MAX_STARTS = 3;

/**
 * A free loopback port below those that the kernel gives to outgoing connections, so that a server that is stopped
 * finds it free again at its next start.
 */
export function stablePort(): number {
  for (let tries = 0; tries < 200; tries++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (isFree(port)) return port;
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

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}
