import assert from "node:assert/strict";
import type { Failure } from "$lib/error.ts";
import { kubernetesVerbs } from "./verbs.ts";

const SECRET = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };

Deno.test("an answer that is not JSON is named by its status, and nothing of it is repeated", async () => {
  const text = '{"data":hunter2}';
  const { get } = kubernetesVerbs(() => Promise.resolve({ status: 200, headers: {}, text }));

  const failure: Failure = await get({ resource: SECRET, name: "s" }).then(() => assert.fail("it is read"), (e) => e);

  assert.equal(failure.message, "Cannot read the API server's answer of status 200: it is not JSON");
  assert.equal(failure.cause, undefined);
});
