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

Deno.test("a submission that comes again is 201 with the object that it was, and says so", async () => {
  await using held = await embeddedDatabase();
  const { keys, stackId, objectId } = await buildWorld(openStore(held.database));
  const ask = apiOver(openStore(held.database));
  const submit = async (
    body: unknown,
    more: { readonly key?: string; readonly headers?: Record<string, string> } = {},
  ) => {
    const path = `/api/v1/stacks/${stackId}/deployment-objects`;
    const answer = await ask({ key: keys.generator, path, method: "POST", body, ...more });
    const { id, code } = answer.body as { readonly id?: string; readonly code?: string };
    return { status: answer.status, id, code, isUnchanged: answer.headers.get("brokkr-unchanged") };
  };
  const other = { yaml_content: CONFIG_MAP.replace("settings", "others") };
  const same = { yaml_content: CONFIG_MAP };
  const keyed = (key: string) => ({ headers: { "idempotency-key": key } });

  const [again, raw] = [await submit(same), await submit(CONFIG_MAP, { headers: { "content-type": "text/yaml" } })];
  const first = await submit(other, keyed("run-1"));
  await submit(same);
  const retried = await submit(other, keyed("run-1"));
  const refused = await submit(same, keyed("run-1"));
  const admins = await submit(other, { key: keys.admin, ...keyed("run-1") });
  const bad = await Promise.all(["", "x".repeat(256)].map((key) => submit(other, keyed(key))));

  const unchanged = { status: 201, id: objectId, code: undefined, isUnchanged: "true" };
  assert.deepEqual([again, raw], [unchanged, unchanged]);
  assert.deepEqual([first.status, first.isUnchanged], [201, null]);
  assert.deepEqual(retried, { ...unchanged, id: first.id });
  assert.deepEqual([refused.status, refused.code], [422, "invalid_request_body"]);
  assert.deepEqual([admins.status, admins.isUnchanged], [201, null]);
  assert.deepEqual(bad.map(({ status, code }) => [status, code]), Array(2).fill([400, "invalid_parameters"]));
});

Deno.test("an object whose body was not kept says so; its YAML is 404, and no client takes it for what it was", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys: { admin: key }, objectId } = await buildWorld(store);
  const path = `/api/v1/deployment-objects/${objectId}`;
  const ask = (headers = {}) => apiOver(store)({ key, path, headers });
  const before = await ask();
  await held.database.sql`update deployment_objects set yaml_content = '', body_kept = false where id = ${objectId}`;

  const after = await ask({ "if-none-match": before.headers.get("etag") ?? "" });
  const raw = await ask({ accept: "application/yaml" });

  const { yaml_content, body_kept, yaml_checksum } = after.body as Record<string, unknown>;
  assert.equal((before.body as Record<string, unknown>).body_kept, undefined);
  assert.deepEqual([after.status, yaml_content, body_kept], [200, "", false]);
  assert.equal(yaml_checksum, (before.body as Record<string, unknown>).yaml_checksum);
  assert.deepEqual([raw.status, (raw.body as Record<string, unknown>).code], [404, "deployment_object_not_found"]);
  assert.match(raw.text, /broker\.deployment_objects_kept/);
});

Deno.test("a submission keeps the trace it came with, where its header is one of W3C's", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys: { admin: key }, stackId } = await buildWorld(store);
  const ask = apiOver(store);
  const ids = `${"4bf92f3577b34da6".repeat(2)}-00f067aa0ba902b7`;
  const given = [`00-${ids}-01`, `00-${ids}-01-more`, `00-${"0".repeat(32)}-${ids.slice(33)}-01`, `cc-${ids}-09-more`];

  for (const [n, traceparent] of given.entries()) {
    const body = CONFIG_MAP.replace("settings", `settings-${n}`);
    const headers = { "content-type": "text/yaml", traceparent };
    const path = `/api/v1/stacks/${stackId}/deployment-objects`;
    assert.equal((await ask({ key, path, method: "POST", headers, body })).status, 201);
  }

  const kept = await held.database.sql<{ readonly traceparent: string | null }>`
    select traceparent from deployment_objects order by sequence_id desc limit ${given.length}`;
  const valid = `00-${ids}-00`; // as nobody here records it
  assert.deepEqual(kept.map(({ traceparent }) => traceparent).reverse(), [valid, null, null, valid]);
});
