import assert from "node:assert/strict";
import { addressOf } from "./address.ts";
import { serverAttributes } from "./server_attributes.ts";

const SCHEMA = { schema: "public" };

Deno.test("serverAttributes() names the server, its port where it is unusual, the database and the schema", () => {
  const of = (url: string) => serverAttributes(addressOf(url), SCHEMA);

  assert.deepEqual(
    [
      "postgresql://brokkr:s3cret@db.example/brok%20kr?sslmode=require&password=hidden",
      "postgres://brokkr:s3cret@[::1]:6432",
      "postgresql:///brokkr?host=/run/postgresql",
      "postgresql://db.example",
    ].map(of),
    [
      { "db.namespace": "brok kr|public", "server.address": "db.example" },
      { "db.namespace": "brokkr|public", "server.address": "[::1]", "server.port": 6432 },
      { "db.namespace": "brokkr|public", "server.address": "/run/postgresql" },
      { "db.namespace": "public", "server.address": "db.example" },
    ],
  );
});

Deno.test("serverAttributes() names of several servers the one that is the primary now", () => {
  const address = addressOf("postgresql://brokkr:s3cret@a.example,b.example:6432/brokkr");
  const primary = { hostname: "b.example", port: 6432 };

  assert.deepEqual(serverAttributes(address, SCHEMA), { "db.namespace": "brokkr|public" });
  assert.deepEqual(serverAttributes(address, { ...SCHEMA, primary }), {
    ...{ "db.namespace": "brokkr|public", "server.address": "b.example", "server.port": 6432 },
  });
});
