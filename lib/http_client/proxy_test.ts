import assert from "node:assert/strict";
import { proxyOf } from "./proxy.ts";

const PROXY = "http://proxy:3128";

function isProxied(url: string, exceptions: string): boolean {
  return proxyOf(new URL(url), { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: exceptions }) !== undefined;
}

Deno.test("proxyOf() takes the variable of the scheme, however it is written, else the one for all", () => {
  const [secure, plain] = [new URL("https://broker.example"), new URL("http://broker.example")];

  assert.equal(proxyOf(secure, {}), undefined);
  assert.equal(proxyOf(secure, { HTTPS_PROXY: PROXY, HTTP_PROXY: "http://other" }), PROXY);
  assert.equal(proxyOf(plain, { https_proxy: PROXY, http_proxy: "other:80" }), "http://other:80");
  assert.equal(proxyOf(plain, { HTTPS_PROXY: PROXY }), undefined);
  assert.equal(proxyOf(plain, { HTTP_PROXY: " ", ALL_PROXY: PROXY }), PROXY);
});

Deno.test("proxyOf() never sends a request to this machine through a proxy", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"]) {
    assert.equal(isProxied(`https://${host}:6443`, ""), false);
  }
  assert.equal(isProxied("https://127.example", ""), true);
});

Deno.test("proxyOf() leaves out hosts with all below them, addresses, subnets and single ports", () => {
  const direct: readonly (readonly [string, string])[] = [
    ["https://a.example", "*"],
    ["https://a.example", "b.example, a.example"],
    ["https://x.a.example", "A.Example"],
    ["https://x.a.example", ".a.example"],
    ["https://x.a.example", "*.a.example"],
    ["https://a.example", "a.example:443"],
    ["https://a.example:8443", "a.example:8443"],
    ["https://10.1.2.3:6443", "10.0.0.0/8"],
    ["https://10.1.2.3:6443", "10.1.2.3"],
    ["https://[fd00::1]", "fd00::/8"],
    ["https://[fd00::1]:6443", "[fd00::1]:6443"],
  ];
  const proxied: readonly (readonly [string, string])[] = [
    ["https://a.example", ""],
    ["https://ba.example", "a.example"],
    ["https://a.example", "x.a.example, ,"],
    ["https://a.example", "a.example:8443"],
    ["https://11.1.2.3", "10.0.0.0/8"],
    ["https://10.1.2.3", "10.0.0.0/99, 10.0.0.0/, 10.0.0/8, fd00::/8"],
    ["https://1.10.1.2", "10.1.2"],
    ["https://a.example", "10.0.0.0/8"],
  ];

  for (const [url, exceptions] of direct) assert.equal(isProxied(url, exceptions), false, `${url} ${exceptions}`);
  for (const [url, exceptions] of proxied) assert.equal(isProxied(url, exceptions), true, `${url} ${exceptions}`);
});
