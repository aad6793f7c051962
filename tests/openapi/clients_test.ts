import assert from "node:assert/strict";
import { createClient } from "@hey-api/openapi-ts";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import openapiTypescript, { astToString } from "openapi-typescript";
import { ENDPOINTS } from "../../broker/http/endpoints.ts";
import { openApiDocument } from "../../broker/http/openapi.ts";

/** Existing clients ask for an agent by its name there. */
const WITH_SLASH = "no-path-trailing-slash `/api/v1/agents/` should not have a trailing slash.";
const DOCUMENT = JSON.stringify(openApiDocument(ENDPOINTS));

Deno.test("the OpenAPI document is one that a linter has nothing to say about, but for a path that is a contract", async () => {
  const config = await createConfig({ extends: ["recommended"] });

  const problems = await lintFromString({ source: DOCUMENT, config });

  assert.deepEqual(problems.map(({ ruleId, message }) => `${ruleId} ${message}`), [WITH_SLASH]);
});

Deno.test("the OpenAPI document becomes types of every operation by one generator", async () => {
  const text = astToString(await openapiTypescript(DOCUMENT));

  const operations = [...text.matchAll(/^ {4}(\w+): \{\n {8}parameters:/gm)].map(([, name]) => name);
  assert.deepEqual(operations.toSorted(), operationIds().toSorted());
});

Deno.test("the OpenAPI document becomes a client with a function for every operation by another generator", async () => {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-openapi-" });
  try {
    await createClient({ input: JSON.parse(DOCUMENT), output: folder, logs: { level: "silent" } });

    const client = await Deno.readTextFile(`${folder}/sdk.gen.ts`);
    const functions = [...client.matchAll(/^export const (\w+) = </gm)].map(([, name]) => name);
    assert.deepEqual(functions.toSorted(), operationIds().toSorted());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every pattern of the OpenAPI document is matched by what the API takes", () => {
  const patterns = [...DOCUMENT.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(([, text = ""]) => JSON.parse(text));
  const taken = ["web shop", "blue", "0".repeat(64)];

  const strange = patterns.filter((pattern) => !taken.some((text) => new RegExp(pattern, "u").test(text)));

  assert.ok(patterns.length > 10, `${patterns.length} patterns`);
  assert.deepEqual(strange, []);
});

interface Paths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}

function operationIds(): readonly string[] {
  const { paths }: Paths = JSON.parse(DOCUMENT);
  return Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
}
