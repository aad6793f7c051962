import { isLoopback } from "$lib/addresses.ts";

/**
 * Whether a browser that came this way keeps a cookie to itself: over TLS, the broker's own or a proxy's before it, or
 * to this very machine. The proxy's word is believed from anybody: it only takes a warning away.
 */
export function isPrivate({ headers }: Request, { protocol, hostname }: URL): boolean {
  const forwarded = headers.get("x-forwarded-proto")?.split(",", 1)[0]?.trim();
  return protocol === "https:" || forwarded === "https" || isLoopback(hostname);
}

/**
 * Whether a page of this console sent the form. Browsers say so where they are asked over TLS or on this machine; one
 * that does not must name this server as the origin. Behind a proxy neither scheme nor port need be ours.
 */
export function isFromHere({ headers }: Request, { host }: URL): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  return URL.parse(headers.get("origin") ?? "")?.host === host;
}
