import assert from "node:assert/strict";
import { apiOver } from "../../tests/fakes/api_world.ts";
import type { Store } from "../store/mod.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { openApiDocument } from "./openapi.ts";

const ask = apiOver({} as Store);

Deno.test("the API serves its OpenAPI document to everyone, with every endpoint in it", async () => {
  const answer = await ask({ path: "/docs/openapi.json" });

  const { paths } = answer.body as { readonly paths: Record<string, Record<string, unknown>> };
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`)
  );
  assert.deepEqual(documented.toSorted(), ENDPOINTS.map(({ method, path }) => `${method} ${path}`).toSorted());
  assert.deepEqual(answer.body, JSON.parse(JSON.stringify(openApiDocument(ENDPOINTS))));
  assert.equal(answer.endpoint, "/docs/openapi.json");
});

Deno.test("the OpenAPI document names each operation once, whose keys may call it, and how wide its integers are", () => {
  const document = JSON.parse(JSON.stringify(openApiDocument(ENDPOINTS)));
  const operations = Object.values(document.paths as Record<string, Record<string, Operation>>).flatMap(Object.values);

  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, ENDPOINTS.length);
  assert.deepEqual(document.paths["/api/v1/agents/{id}/heartbeat"].post.security, [{ agentPak: [] }]);
  assert.deepEqual(document.paths["/api/v1/agents/{id}/heartbeat"].post.tags, ["agents"]);
  assert.deepEqual(Object.keys(document.paths["/api/v1/stacks/{id}"].get.responses), [
    ...["200", "304", "400", "401", "403", "404", "413", "422", "429", "500", "503"],
  ]);
  const { HeartbeatReport, DeploymentObject } = document.components.schemas;
  assert.equal(HeartbeatReport.properties.k8s_api_latency_ms.format, "int32");
  assert.equal(DeploymentObject.properties.sequence_id.format, "int64");
});

interface Operation {
  readonly operationId: string;
}

Deno.test("the API serves the same to people, on a page that fetches nothing", async () => {
  const answer = await ask({ path: "/docs" });

  assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  for (const { method, path, summary } of ENDPOINTS) {
    assert.ok(answer.text.includes(`<code>${method.toUpperCase()} ${path}</code> ${escaped(summary)}`), path);
  }
  assert.doesNotMatch(answer.text, /<script|<link|<img|src=|url\(|undefined|\[object/);
  assert.equal(answer.endpoint, "/docs");
});

Deno.test("the page for people links every shape to where it is described", async () => {
  const { text } = await ask({ path: "/docs" });

  const linked = new Set([...text.matchAll(/href="#(\w+)"/g)].map(([, name]) => name));

  assert.ok(linked.size > 10);
  for (const name of linked) assert.ok(text.includes(`<h3 id="${name}">`), `no "${name}"`);
});

function escaped(text: string): string {
  return text.replaceAll("'", "&#39;").replaceAll('"', "&quot;");
}
