import assert from "node:assert/strict";
import { apiOver, buildWorld, CONFIG_MAP } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { openStore } from "../store/open.ts";

const [JSON_TYPE, YAML_TYPE] = ["application/json", "application/yaml; charset=utf-8"];
const CASES: readonly (readonly [accept: string, type: string])[] = [
  ["application/json, text/yaml;q=0.1", JSON_TYPE],
  ["text/yaml;q=0", JSON_TYPE],
  ["*/*", JSON_TYPE],
  ["application/yaml;q=0.5, */*;q=0.4", YAML_TYPE],
  ["text/yaml, application/json", YAML_TYPE],
];

Deno.test("a deployment object comes as JSON to who prefers that to YAML, or names no YAML", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys: { admin: key }, stackId } = await buildWorld(store);
  const ask = apiOver(store);
  const path = `/api/v1/stacks/${stackId}/deployment-objects`;
  const headers = { "content-type": "text/yaml" };
  const submitted = await ask({ key, path, headers, method: "POST", body: CONFIG_MAP });
  const { id } = submitted.body as { readonly id: string };

  const found = await Promise.all(CASES.map(async ([accept]) => {
    const answer = await ask({ key, path: `/api/v1/deployment-objects/${id}`, headers: { accept } });
    return answer.headers.get("content-type");
  }));

  assert.deepEqual(found, CASES.map(([, type]) => type));
});
