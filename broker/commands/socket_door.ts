import { Failure, messageOf } from "$lib/error.ts";

/** A way to an API that takes everybody for the admin. */
export interface SocketDoor extends AsyncDisposable {
  fetch(request: Request): Promise<Response>;
}

/** Where the broker of a data folder serves its API to whoever may open the file: the admin. */
export function adminSocketPath(dataDir: string): string {
  return `${dataDir}/admin.sock`;
}

/**
 * The door to the broker that runs in a data folder; undefined where none does.
 *
 * @throws {Failure} `broker_unavailable` when one may run there, but this user may not open its socket.
 */
export async function socketDoor(dataDir: string): Promise<SocketDoor | undefined> {
  const path = adminSocketPath(dataDir);
  if (!await isServed(path)) return undefined;
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return {
    fetch: (request) => fetch(request, { client }),
    [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
  };
}

/** A broker that was killed leaves its socket behind; a path that is too long for one never had any. */
async function isServed(path: string): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return false;
    if (error instanceof TypeError) return false;
    throw new Failure("broker_unavailable", `Cannot open "${path}": ${messageOf(error)}`, { cause: error });
  }
}
