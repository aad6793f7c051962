import assert from "node:assert/strict";
import { apiOver } from "../../tests/fakes/api_world.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { Store } from "../store/mod.ts";
import { documentAnswers } from "./documents.ts";
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

Deno.test("the OpenAPI document that the broker serves is written beforehand: a request makes nothing", async () => {
  const { text } = await ask({ path: "/docs/openapi.json" });

  assert.equal(text, await Deno.readTextFile(new URL("openapi.json", import.meta.url)));
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
  assert.ok("304" in document.paths["/api/v1/stacks"].get.responses);
  const { HeartbeatReport, DeploymentObject } = document.components.schemas;
  assert.equal(HeartbeatReport.properties.k8s_api_latency_ms.format, "int32");
  assert.equal(DeploymentObject.properties.sequence_id.format, "int64");
});

interface Operation {
  readonly operationId: string;
}

Deno.test("the API's page for people names files of its own alone, which run under its policy, and keeps none of them", async () => {
  const { text, headers } = await ask({ path: "/docs" });
  const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  const files = addresses.filter((address) => !address.startsWith("data:"));

  assert.doesNotMatch(headers.get("content-security-policy") ?? "", /unsafe|\*|https?:/);
  assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
  assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|<script(?! src=)/);
  assert.equal(files.length, 4);
  for (const file of files) {
    const answer = await ask({ path: `/${file}` });
    const etag = answer.headers.get("etag") ?? "";
    assert.deepEqual([answer.status, answer.endpoint], [200, `/${file}`]);
    assert.equal((await ask({ path: `/${file}`, headers: { "if-none-match": etag } })).status, 304);
    const small = await ask({ path: `/${file}`, headers: { "accept-encoding": "br, gzip;q=0.5" } });
    assert.equal(small.headers.get("content-encoding"), "gzip");
    const plain = await ask({ path: `/${file}`, headers: { "accept-encoding": "gzip;q=0" } });
    assert.equal(plain.headers.get("content-encoding"), null);
  }
});

Deno.test("documentAnswers() writes a document anew that could not be written, and once where it could", async () => {
  let tries = 0;
  const answer = documentAnswers({
    path: "/docs",
    headers: {},
    write: () => (tries += 1) === 1 ? Promise.reject(new Error("too many open files")) : "the page",
  }, new ManualClock({ skipsSleeps: true }));
  const request = new Request("http://broker/docs");

  await assert.rejects(answer(request), /too many open files/);
  const texts = [await (await answer(request)).text(), await (await answer(request)).text()];

  assert.deepEqual([texts, tries], [["the page", "the page"], 2]);
});

Deno.test("documentAnswers() compresses a long document in slices, and lets others be answered after each", async () => {
  const clock = new ManualClock({ skipsSleeps: true });
  const text = "0123456789abcdef".repeat(64 * 1024);
  const answer = documentAnswers({ path: "/docs", headers: {}, write: () => text }, clock);

  const packed = await answer(new Request("http://broker/docs", { headers: { "accept-encoding": "gzip" } }));
  const unpacked = packed.body?.pipeThrough(new DecompressionStream("gzip"));

  assert.deepEqual(clock.slept, Array(16).fill(0));
  assert.equal(await new Response(unpacked).text(), text);
});
