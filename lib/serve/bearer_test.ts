import assert from "node:assert/strict";
import { withBearer } from "$lib/serve/bearer.ts";

/** A page that wants the token, and what is logged. */
function guarded(readToken: () => Promise<string>) {
  const logged: unknown[] = [];
  const say = (...line: unknown[]) => logged.push(line);
  const log = { debug: say, info: say, warn: say, error: say };
  const handle = withBearer(() => Promise.resolve(new Response("page")), { readToken, log });
  async function ask(authorization?: string): Promise<Response> {
    return await handle(
      new Request("http://broker/metrics", { headers: authorization === undefined ? {} : { authorization } }),
    );
  }
  return { ask, logged };
}

Deno.test("withBearer() lets the right token through, however its scheme is spelled", async () => {
  const { ask } = guarded(() => Promise.resolve("t0ken"));

  for (const authorization of ["Bearer t0ken", "bearer  t0ken", "BEARER t0ken "]) {
    assert.deepEqual([(await ask(authorization)).status], [200], authorization);
  }
});

Deno.test("withBearer() answers 401 to anything else, says what it wants, and logs nothing", async () => {
  const { ask, logged } = guarded(() => Promise.resolve("t0ken"));

  for (const authorization of [undefined, "", "Bearer", "Bearer t0ke", "Bearer t0ken2", "Basic t0ken", "t0ken"]) {
    const response = await ask(authorization);

    assert.equal(response.status, 401, String(authorization));
    assert.equal(response.headers.get("www-authenticate"), "Bearer");
    assert.doesNotMatch(await response.text(), /t0ken/);
  }
  assert.deepEqual(logged, []);
});

Deno.test("withBearer() takes a rotated token at once, and the old one no more", async () => {
  const tokens = ["old", "new", "new"];
  const { ask } = guarded(() => Promise.resolve(tokens.shift() ?? ""));

  const statuses = [await ask("Bearer old"), await ask("Bearer old"), await ask("Bearer new")].map((one) => one.status);

  assert.deepEqual(statuses, [200, 401, 200]);
});

Deno.test("withBearer() lets nobody through while the token can't be read, and logs why", async () => {
  const { ask, logged } = guarded(() => Promise.reject(new Error("gone")));

  const statuses = [(await ask()).status, (await ask("Bearer ")).status, (await ask("Bearer x")).status];

  assert.deepEqual([statuses, logged.length], [[503, 503, 503], 3]);
});
