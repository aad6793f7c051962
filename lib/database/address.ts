import { Failure } from "$lib/error.ts";
import type { ServerAddress } from "./primary.ts";

/** Where a server is, as postgres.js takes it. */
export interface Address {
  readonly url: string;
  /** A unix socket's folder, or a host beside the URL's. */
  readonly host?: string;
  /** The servers, where the URL names several: one of them is the primary. */
  readonly hosts?: readonly ServerAddress[];
}

/** PostgreSQL's. */
export const DEFAULT_PORT = 5432;

/**
 * Reads libpq's way to name a unix socket's folder, `postgresql:///name?host=/run/postgresql`, which postgres.js does
 * not know: it would send `host` to the server as a setting.
 *
 * @throws {Failure} `invalid_settings`, with no word of the URL, when it is none of PostgreSQL.
 */
export function addressOf(url: string): Address {
  const [before = "", query = ""] = url.split("?", 2);
  const settings = new URLSearchParams(query);
  const host = settings.get("host");
  settings.delete("host");
  const hosts = hostsOf(before);
  if (hosts.length > 1) settings.delete("target_session_attrs"); // only the primary will do
  const named = before.replace(/^(postgres(?:ql)?:\/\/(?:[^/]*@)?)(?=[/:]|$)/, "$1localhost");
  if (!isReadable(named)) {
    throw new Failure("invalid_settings", "Cannot open the database: database.url is not a PostgreSQL URL");
  }
  return {
    url: settings.size === 0 ? named : `${named}?${settings}`,
    ...(host === null ? {} : { host }),
    ...(hosts.length > 1 ? { hosts } : {}),
  };
}

/** The servers that a URL names between its user and its database. */
function hostsOf(before: string): readonly ServerAddress[] {
  const [, named = ""] = /^[a-z]+:\/\/(?:[^/]*@)?([^/]*)/.exec(before) ?? [];
  return named.split(",").map((one) => {
    const [hostname = "", port] = one.split(":");
    return { hostname, port: port === undefined ? DEFAULT_PORT : Number(port) };
  });
}

/** Whether postgres.js can read it: of several hosts it parses the first alone. */
function isReadable(url: string): boolean {
  const firstHost = url.replace(/,[^/]*/, "");
  if (!/^postgres(ql)?:/.test(url) || !URL.canParse(firstHost)) return false;
  try {
    return decodeURIComponent(url) !== "";
  } catch {
    return false;
  }
}
