/** Where a server is, as postgres.js takes it. */
export interface Address {
  readonly url: string;
  /** A unix socket's folder, or a host beside the URL's. */
  readonly host?: string;
}

/**
 * Reads libpq's way to name a unix socket's folder, `postgresql:///name?host=/run/postgresql`, which postgres.js does
 * not know: it would send `host` to the server as a setting.
 */
export function addressOf(url: string): Address {
  const [before = "", query = ""] = url.split("?", 2);
  const settings = new URLSearchParams(query);
  const host = settings.get("host");
  settings.delete("host");
  const named = before.replace(/^(postgres(?:ql)?:\/\/(?:[^/]*@)?)(?=[/:]|$)/, "$1localhost");
  return { url: settings.size === 0 ? named : `${named}?${settings}`, ...(host === null ? {} : { host }) };
}
