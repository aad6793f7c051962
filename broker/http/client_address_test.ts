import assert from "node:assert/strict";
import { clientAddressBehind, isAddressOrNetwork } from "./client_address.ts";

/** Where a request is from that came by a connection from 10.0.0.1 with this header. */
function from(proxies: readonly string[], forwarded?: string, connection = "10.0.0.1"): string {
  const headers: Record<string, string> = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return clientAddressBehind(proxies)(new Request("http://broker/", { headers }), connection);
}

Deno.test("clientAddressBehind() believes nobody's header but that of proxies which are named", () => {
  assert.equal(from([], "1.1.1.1"), "10.0.0.1");
  assert.equal(from(["10.0.0.2"], "1.1.1.1"), "10.0.0.1");
  assert.equal(from(["10.0.0.1"], "1.1.1.1"), "1.1.1.1");
  assert.equal(from(["10.0.0.0/8"]), "10.0.0.1");
});

Deno.test("clientAddressBehind() takes the last address that is no proxy: what is before it anybody can write", () => {
  assert.equal(from(["10.0.0.0/8"], "6.6.6.6, 1.1.1.1, 10.0.0.9"), "1.1.1.1");
  assert.equal(from(["10.0.0.0/8", "fd00::/8"], "6.6.6.6, 2001:db8::1,fd00::7"), "2001:db8::1");
  assert.equal(from(["10.0.0.0/8"], "10.0.0.7, 10.0.0.8"), "10.0.0.7");
});

Deno.test("clientAddressBehind() stays with the proxy where the header is none, however long", () => {
  for (const forwarded of ["", "unknown", "1.1.1.1, <script>", "1.1.1.1:80", `${"1.1.1.1,".repeat(100_000)}x`]) {
    assert.equal(from(["10.0.0.1"], forwarded), "10.0.0.1", forwarded.slice(0, 40));
  }
  assert.equal(from(["10.0.0.1"], "1.1.1.1", "::ffff:10.0.0.1"), "1.1.1.1");
});

Deno.test("isAddressOrNetwork() takes addresses and networks of both kinds, and nothing else", () => {
  for (const good of ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "0.0.0.0/0"]) assert.ok(isAddressOrNetwork(good));
  for (const bad of ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "proxy", "10.0.0.0/-1"]) {
    assert.equal(isAddressOrNetwork(bad), false, bad);
  }
});
