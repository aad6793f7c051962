import type { Clock } from "$lib/clock.ts";
import type { ServerNames } from "$lib/http_client/connection_fault.ts";
import { messageOf } from "$lib/error.ts";
import type { HttpClientOptions } from "$lib/http_client.ts";
import type { Log } from "$lib/log.ts";
import type { RequestHeaders } from "./asker.ts";

/** Where the API server is and who asks it, as the files say. */
export interface Access {
  /** Without a slash at its end. */
  readonly server: string;
  readonly clientOptions: HttpClientOptions;
  readonly names: ServerNames;
  /** The headers that say who asks; a login may have to be made for them. */
  readonly headers: () => Promise<RequestHeaders>;
  /** Every file that any of this stands in. */
  readonly files: readonly string[];
  readonly defaultNamespace: string | undefined;
}

/**
 * The access of now: its files are looked at every few seconds, because tokens, authorities and certificates rotate.
 */
export interface AccessKeeper {
  /**
   * The headers that say who asks.
   *
   * @param isRefused The API server did not know who asked last: everything is read again.
   */
  authorize(isRefused?: boolean): Promise<RequestHeaders>;
  readonly current: Access;
}

/** How a keeper reads and waits. */
export interface AccessKeeperParts {
  readonly load: () => Promise<Access>;
  readonly clock: Clock;
  readonly log: Log;
}

const CHECK_INTERVAL_MS = 5_000;

/**
 * Loads the access and keeps it up to date.
 *
 * @throws {Failure} What `load` throws the first time; later, what can't be loaded leaves the access as it is.
 */
export async function keepAccess({ load, clock, log }: AccessKeeperParts): Promise<AccessKeeper> {
  let access = await load();
  let texts = ""; // a file may change while the first is loaded: it is loaded once more
  let headers = await access.headers();
  let checkedMs = clock.monotonic();
  let checking: Promise<void> | undefined;
  let complaint = "";

  async function check(): Promise<void> {
    checkedMs = clock.monotonic();
    try {
      const now = await readAll(access.files);
      if (now !== texts) access = await load();
      texts = now;
      headers = await access.headers();
      complaint = "";
    } catch (error) {
      if (messageOf(error) !== complaint) {
        log.warn("kubernetes access cannot be read again", { error: messageOf(error) });
      }
      complaint = messageOf(error);
    }
  }

  return {
    async authorize(isRefused = false) {
      if (isRefused || checking !== undefined || clock.monotonic() - checkedMs >= CHECK_INTERVAL_MS) {
        checking ??= check().finally(() => checking = undefined);
        await checking;
      }
      return headers;
    },
    get current() {
      return access;
    },
  };
}

/** Everything that stands in the files: small ones, and telling a change by their times would miss some. */
async function readAll(paths: readonly string[]): Promise<string> {
  return JSON.stringify(await Promise.all(paths.map((path) => Deno.readTextFile(path))));
}
