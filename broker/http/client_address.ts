import { BlockList, isIP, isIPv6 } from "node:net";

const FORWARDED_MAX = 20;

/** Finds the address that a request came from, given that of the connection it came by. */
export type ClientAddress = (request: Request, connectionFrom: string) => string;

/**
 * The address of whoever is behind the proxies named: of those in `X-Forwarded-For` the last that is none of them. What
 * stands before it in that header anybody can have written; without proxies nothing of it is believed.
 */
export function clientAddressBehind(proxies: readonly string[]): ClientAddress {
  const trusted = new BlockList();
  for (const proxy of proxies) addTo(trusted, proxy);
  const isTrusted = (address: string) => trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  return ({ headers }, connectionFrom) => {
    let address = connectionFrom;
    if (proxies.length === 0) return address;
    const hops = (headers.get("x-forwarded-for") ?? "").split(",").slice(-FORWARDED_MAX).map((hop) => hop.trim());
    while (isIP(address) !== 0 && isTrusted(address)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) return address;
      address = before;
    }
    return address;
  };
}

/** Whether this is an IP address, or a network such as `10.0.0.0/8`. */
export function isAddressOrNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function addTo(list: BlockList, proxy: string): void {
  const [address = "", bits] = proxy.split("/");
  const version = isIPv6(address) ? "ipv6" : "ipv4";
  if (bits === undefined) return list.addAddress(address, version);
  list.addSubnet(address, Number(bits), version);
}
