import assert from "node:assert/strict";
import { fromHere, hostAndPort } from "./addresses.ts";

Deno.test("fromHere() is loopback where a server listens on every address, and the address itself elsewhere", () => {
  const reached = ["0.0.0.0", "::", "[::]", "::1", "10.0.0.1", "broker"].map((hostname) =>
    fromHere({ hostname, port: 1 })
  );

  assert.deepEqual(reached.map(({ hostname }) => hostname), ["127.0.0.1", "::1", "::1", "::1", "10.0.0.1", "broker"]);
});

Deno.test("hostAndPort() puts an IPv6 address in brackets", () => {
  const texts = ["10.0.0.1", "fd00::1", "broker"].map((hostname) => hostAndPort({ hostname, port: 443 }));

  assert.deepEqual(texts, ["10.0.0.1:443", "[fd00::1]:443", "broker:443"]);
});
