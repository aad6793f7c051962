import assert from "node:assert/strict";
import { isFailure } from "$lib/error.ts";
import { addressOf } from "./address.ts";

const CASES = [
  ["postgres://u:p@db:5433/x", { url: "postgres://u:p@db:5433/x" }],
  ["postgresql:///x?host=/run/pg", { url: "postgresql://localhost/x", host: "/run/pg" }],
  ["postgres://u:p@/x?host=%2Frun%2Fpg", { url: "postgres://u:p@localhost/x", host: "/run/pg" }],
  ["postgres://u@:5433/x?host=/run", { url: "postgres://u@localhost:5433/x", host: "/run" }],
  ["postgres://u:p%2Fq@db/x?sslmode=require", { url: "postgres://u:p%2Fq@db/x?sslmode=require" }],
  ["postgres://u:p@a:1,b/x?target_session_attrs=any&sslmode=require", {
    url: "postgres://u:p@a:1,b/x?sslmode=require",
    hosts: [{ hostname: "a", port: 1 }, { hostname: "b", port: 5432 }],
  }],
  ["postgres://db/x?target_session_attrs=any", { url: "postgres://db/x" }],
  ["postgres://db/x?target_session_attrs=primary", { url: "postgres://db/x?target_session_attrs=primary" }],
  ["postgres://u:p,q@db/x", { url: "postgres://u:p,q@db/x" }],
  ["postgres://u:p,q@a,b/x", {
    url: "postgres://u:p,q@a,b/x",
    hosts: [{ hostname: "a", port: 5432 }, { hostname: "b", port: 5432 }],
  }],
  ["postgres://u:p@[::1]:5433/x", { url: "postgres://u:p@[::1]:5433/x", server: { hostname: "::1", port: 5433 } }],
  ["postgres://u:p@[fd00::1],[fd00::2]:5433/x?sslmode=require", {
    url: "postgres://u:p@[fd00::1],[fd00::2]:5433/x?sslmode=require",
    hosts: [{ hostname: "fd00::1", port: 5432 }, { hostname: "fd00::2", port: 5433 }],
  }],
] as const;

for (const [url, address] of CASES) {
  Deno.test(`addressOf() reads ${url}`, () => {
    assert.deepEqual(addressOf(url), address);
  });
}

for (
  const url of [
    ...["mysql://u:hidden@db/x", "hidden", "postgres://u:hidden@db:port/x", "postgres://u:hidden%@db/x", ""],
    ...["postgres://u:hidden@a,b:port/x", "postgres://u:hidden@::1/x"],
  ]
) {
  Deno.test(`addressOf() refuses "${url}" without showing it`, () => {
    assert.throws(
      () => addressOf(url),
      (error) => isFailure(error, "invalid_settings") && !/hidden/.test(Deno.inspect(error)),
    );
  });
}
