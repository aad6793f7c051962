/** Where a server listens. */
export interface ListenAddress {
  /** A name or an IP address; an IPv6 address has no brackets. */
  readonly hostname: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
}

/** Addresses that mean every address of the machine, and the one that reaches them from here. */
const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);

/** Whether a URL's host is this machine itself, so that nobody listens on the way. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;

/** The address by which this machine itself reaches a server that listens there; brackets are taken away. */
export function fromHere(address: ListenAddress): ListenAddress {
  const hostname = withoutBrackets(address.hostname);
  return { hostname: LOOPBACK_OF.get(hostname) ?? hostname, port: address.port };
}

/** The host of a URL, where an IPv6 address has brackets, as a connection takes it. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** `host:port`, as URLs and messages have it: an IPv6 address in brackets. */
export function hostAndPort({ hostname, port }: { readonly hostname: string; readonly port: number | string }): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
