import type { Attributes } from "@opentelemetry/api";
import { type Address, DEFAULT_PORT, withOneServer } from "./address.ts";
import type { ServerAddress } from "./primary.ts";

/**
 * What spans say of a server: where it is, and which database and schema are meant, by OpenTelemetry's conventions for
 * PostgreSQL. Never who asks, nor a password, nor a setting of the URL.
 *
 * @param primary Which of several servers it is now; undefined while that is being found out.
 */
export function serverAttributes(
  { url, host, hosts }: Address,
  { schema, primary }: { readonly schema: string; readonly primary?: ServerAddress | undefined },
): Attributes {
  const { hostname, port, pathname, username } = new URL(withOneServer(url));
  const database = decodeURIComponent(pathname.slice(1) || username);
  const namespace = { "db.namespace": database === "" ? schema : `${database}|${schema}` };
  if (hosts !== undefined) return { ...namespace, ...(primary && addressAttributes(primary)) };
  return {
    ...namespace,
    ...addressAttributes({ hostname: host ?? hostname, port: port === "" ? DEFAULT_PORT : Number(port) }),
  };
}

function addressAttributes({ hostname, port }: ServerAddress): Attributes {
  return { "server.address": hostname, ...(port === DEFAULT_PORT ? {} : { "server.port": port }) };
}
