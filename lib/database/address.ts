import { withoutBrackets } from "$lib/addresses.ts";
import { Failure } from "$lib/error.ts";
import type { ServerAddress } from "./primary.ts";

/** Where a server is, as postgres.js takes it. */
export interface Address {
  readonly url: string;
  /** A unix socket's folder, or a host beside the URL's. */
  readonly host?: string;
  /** The servers, where the URL names several: one of them is the primary. */
  readonly hosts?: readonly ServerAddress[];
  /** The one server, where the URL names it by an IPv6 address: postgres.js would take the address apart. */
  readonly server?: ServerAddress;
}

/** Which of several servers is meant; postgres.js does not know `any`, which is what one server is anyway. */
const ATTRIBUTES = "target_session_attrs";

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
  const named = before.replace(/^(postgres(?:ql)?:\/\/(?:[^/]*@)?)(?=[/:]|$)/, "$1localhost");
  if (!isReadable(named)) {
    throw new Failure("invalid_settings", "Cannot open the database: database.url is not a PostgreSQL URL");
  }
  const hosts = serversOf(named).map(addressOfServer);
  const [server] = hosts;
  const isPrimaryMeant = hosts.length > 1; // no other will do
  if (isPrimaryMeant || settings.get(ATTRIBUTES) === "any") settings.delete(ATTRIBUTES);
  return {
    url: settings.size === 0 ? named : `${named}?${settings}`,
    ...(host === null ? {} : { host }),
    ...(isPrimaryMeant ? { hosts } : {}),
    ...(!isPrimaryMeant && host === null && server?.hostname.includes(":") ? { server } : {}),
  };
}

/** What stands before a URL's servers, and they, with commas between them. */
const SERVERS = /^([a-z]+:\/\/(?:[^/?]*@)?)([^/?]*)/;

/** The URL with the first of its servers alone, as a URL has no more than one. */
export function withOneServer(url: string): string {
  return url.replace(SERVERS, (_, before: string, servers: string) => before + servers.replace(/,.*/, ""));
}

/** The servers that a URL names between its user and its database, each as text. */
function serversOf(url: string): readonly string[] {
  const [, , servers = ""] = SERVERS.exec(url) ?? [];
  return servers.split(",");
}

function addressOfServer(server: string): ServerAddress {
  const { hostname, port } = new URL(`postgres://${server}`);
  return { hostname: withoutBrackets(hostname), port: port === "" ? DEFAULT_PORT : Number(port) };
}

/** Whether it names a database and servers that can be reached. */
function isReadable(url: string): boolean {
  if (!/^postgres(ql)?:/.test(url) || !URL.canParse(withOneServer(url))) return false;
  if (!serversOf(url).every((server) => URL.canParse(`postgres://${server}`))) return false;
  try {
    return decodeURIComponent(url) !== "";
  } catch {
    return false;
  }
}
