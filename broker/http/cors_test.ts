import assert from "node:assert/strict";
import { apiOver, type Asking } from "../../tests/fakes/api_world.ts";
import type { Store } from "../store/mod.ts";

const STACK = "/api/v1/stacks/11111111-1111-4111-8111-111111111111";
const OURS = "https://ui.example";
const EVIL = "https://evil.example";

/** Asks with an origin; nobody has a key, so what is not about origins is 401. */
function asking(...allowedOrigins: readonly string[]) {
  const ask = apiOver({} as Store, { allowedOrigins });
  return async (origin: string, { path = STACK, ...asked }: Partial<Asking> = {}) => {
    const headers = { origin, ...asked.headers };
    const answer = await ask({ ...asked, path, headers });
    return { status: answer.status, of: (name: string) => answer.headers.get(name) };
  };
}

const PREFLIGHT = { method: "OPTIONS", headers: { "access-control-request-method": "PUT" } };

Deno.test("a page of an allowed origin may read every answer, errors too, and no other page may", async () => {
  const ask = asking(OURS);

  const read = await ask(OURS);
  const missing = await ask(OURS, { path: "/api/v1/nothing" });
  const foreign = await ask(EVIL);

  assert.deepEqual([read.status, read.of("access-control-allow-origin")], [401, OURS]);
  assert.match(read.of("access-control-expose-headers") ?? "", /etag/);
  assert.deepEqual([missing.status, missing.of("access-control-allow-origin")], [404, OURS]);
  assert.deepEqual([foreign.of("access-control-allow-origin"), foreign.of("vary")], [null, "Origin"]);
});

Deno.test("a preflight of an allowed origin hears the methods of its path; another OPTIONS is a wrong method", async () => {
  const ask = asking(OURS);

  const allowed = await ask(OURS, PREFLIGHT);
  const refused = await ask(EVIL, PREFLIGHT);
  const plain = await ask(OURS, { method: "OPTIONS" });
  const nowhere = await ask(OURS, { ...PREFLIGHT, path: "/api/v1/nothing" });

  assert.deepEqual([allowed.status, allowed.of("access-control-allow-origin")], [204, OURS]);
  assert.deepEqual(allowed.of("access-control-allow-methods")?.split(","), ["GET", "HEAD", "PUT", "DELETE"]);
  assert.deepEqual([refused.status, refused.of("access-control-allow-origin")], [405, null]);
  assert.deepEqual([plain.status, plain.of("allow"), nowhere.status], [405, "GET, HEAD, PUT, DELETE", 404]);
});

Deno.test("* allows every origin, and without origins nothing is said of them", async () => {
  const [all, none] = [asking("*"), asking()];

  const allowed = await all(EVIL, PREFLIGHT);
  const [read, refused] = [await none(OURS), await none(OURS, PREFLIGHT)];

  assert.deepEqual([allowed.status, allowed.of("access-control-allow-origin")], [204, EVIL]);
  assert.deepEqual([read.of("access-control-allow-origin"), read.of("vary"), refused.status], [null, null, 405]);
});
