import assert from "node:assert/strict";
import { ENDPOINTS } from "../../broker/http/endpoints.ts";
import { openApiDocument } from "../../broker/http/openapi.ts";
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";
import { testWith } from "../run/parts.ts";
import { fuzz } from "./fuzz.ts";

const REQUESTS = 20_000;
/** Always the same, so that chance refuses no change; `deno task bench fuzz` takes others. */
const SEED = 11;
/** Of all requests: those that come as far as the store. */
const DEEP_MIN_SHARE = 0.3;
/** What one world can't do, by the ids of operations: what a guard holds, and what is sent on to nobody. */
const NEVER_DONE = new Set([
  "postAgentsByIdApprovePrune",
  ...["Metrics", "Traces", "Logs"].map((signal) => `postAgentsByIdOtlpV1${signal}`),
]);

testWith("postgres", "every route answers anything it is asked with a status and a code that it lists", async () => {
  const binaries = await findPostgres() ?? assert.fail("no PostgreSQL");
  await using server = await startPostgres(binaries, { durable: false });

  const { counts, deep, done } = await fuzz(server, { seed: SEED, requests: REQUESTS });

  for (const status of [200, 201, 400, 401, 403, 404, 409, 412, 415, 422]) {
    assert.ok((counts.get(status) ?? 0) > 0, `no ${status} in ${JSON.stringify([...counts])}`);
  }
  assert.ok(deep >= DEEP_MIN_SHARE * REQUESTS, `${deep} of ${REQUESTS} came far: ${JSON.stringify([...counts])}`);
  const { paths } = openApiDocument(ENDPOINTS);
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const undone = operations.map(({ operationId }) => operationId).filter((id) => !done.has(id) && !NEVER_DONE.has(id));
  assert.deepEqual(undone, []);
});
