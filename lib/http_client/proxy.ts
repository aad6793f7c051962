import { BlockList, isIP } from "node:net";
import { withoutBrackets } from "$lib/addresses.ts";

/**
 * The variables that say which proxy requests go through. Deno takes them for every client, unasked: a program that
 * decides by itself removes them.
 */
export const PROXY_VARIABLES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((
  name,
) => [name, name.toLowerCase()]);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a URL, or undefined when it is reached directly: this machine always is,
 * and what `NO_PROXY` names (`*`, hosts with all below them, addresses, subnets; each with a port, if only that is
 * meant).
 */
export function proxyOf(url: URL, env: Environment): string | undefined {
  const scheme = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = valueOf(env, scheme) ?? valueOf(env, "ALL_PROXY");
  if (proxy === undefined || isDirect(url, valueOf(env, "NO_PROXY") ?? "")) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

function valueOf(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || env[name.toLowerCase()]?.trim() || undefined;
}

function isDirect(url: URL, exceptions: string): boolean {
  const host = withoutBrackets(url.hostname).toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  if (host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))) return true;
  return exceptions.split(",").some((one) => isExcepted(one.trim().toLowerCase(), { host, port }));
}

function isExcepted(exception: string, { host, port }: { readonly host: string; readonly port: string }): boolean {
  if (exception === "") return false;
  if (exception === "*") return true;
  if (exception.includes("/")) return isWithin(exception, host);
  const [, name = exception, onlyPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(exception) ?? [];
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const bare = withoutBrackets(name).replace(/^\*?\./, "");
  return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
}

function isWithin(subnet: string, host: string): boolean {
  const [address = "", prefix = ""] = subnet.split("/", 2);
  const kinds = { 0: undefined, 4: "ipv4", 6: "ipv6" } as const;
  const [kind, hostKind] = [kinds[kindOf(address)], kinds[kindOf(host)]];
  const bits = Number(prefix);
  if (kind === undefined || kind !== hostKind || !/^\d+$/.test(prefix) || bits > (kind === "ipv4" ? 32 : 128)) {
    return false;
  }
  const list = new BlockList();
  list.addSubnet(address, bits, kind);
  return list.check(host, kind);
}

function kindOf(address: string): 0 | 4 | 6 {
  const kind = isIP(address);
  return kind === 4 || kind === 6 ? kind : 0;
}
