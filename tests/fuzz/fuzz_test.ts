import assert from "node:assert/strict";
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";
import { testWith } from "../run/parts.ts";
import { fuzz } from "./fuzz.ts";

const REQUESTS = 20_000;
/** Always the same, so that chance refuses no change; `deno task bench fuzz` takes others. */
const SEED = 11;

testWith("postgres", "every route answers anything it is asked with a status and a code that it lists", async () => {
  const binaries = await findPostgres() ?? assert.fail("no PostgreSQL");
  await using server = await startPostgres(binaries, { durable: false });

  const { counts } = await fuzz(server, { seed: SEED, requests: REQUESTS });

  for (const status of [200, 201, 400, 401, 403, 404, 409, 412, 415, 422]) {
    assert.ok((counts.get(status) ?? 0) > 0, `no ${status} in ${JSON.stringify([...counts])}`);
  }
});
