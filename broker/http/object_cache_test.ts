import assert from "node:assert/strict";
import type { ObjectHead } from "../domain/deployment_object.ts";
import { type Form, ObjectCache } from "./object_cache.ts";

const FORM: Form = { type: "text/plain", write: ({ id, yamlContent }) => `${id}: ${yamlContent}` };
const OTHER_FORM: Form = { ...FORM, type: "text/html" };
const ALONE_BYTES = 2_000;

function head(id: string, { isBodyKept = true } = {}): ObjectHead {
  const now = new Date(0);
  return {
    ...{ id, isBodyKept, sequenceId: 1, sizeBytes: 1, stackId: "s", yamlChecksum: "c", isDeletionMarker: false },
    ...{ submittedAt: now, createdAt: now, updatedAt: now },
  };
}

/** A cache over a store that notes what it is asked for, and has `body` of everything but what is missing. */
function start({ maxBytes = 1_000_000, body = "x" } = {}) {
  const cache = new ObjectCache(maxBytes);
  const seen = { asked: [] as (readonly string[])[], missing: new Set<string>() };
  const objects = {
    async bodies(ids: readonly string[]) {
      seen.asked.push(ids);
      await Promise.resolve();
      return new Map(ids.filter((id) => !seen.missing.has(id)).map((id) => [id, body]));
    },
  };
  const ask = async (ids: readonly string[], form = FORM) =>
    (await cache.texts(ids.map((id) => head(id)), form, objects)).map((text) => new TextDecoder().decode(text));
  return { cache, objects, seen, ask };
}

Deno.test("ObjectCache reads an object once, however many ask for it at once and after, and gives all the same bytes", async () => {
  const { cache, objects, seen } = start();
  const ask = () => cache.texts([head("a")], FORM, objects);

  const burst = await Promise.all(Array.from({ length: 5_000 }, ask));
  const [later] = await ask();

  assert.deepEqual(seen.asked, [["a"]]);
  assert.deepEqual(new Set(burst.flat()), new Set([later]));
});

Deno.test("ObjectCache reads of a list what nobody has read or is reading, by one statement", async () => {
  const { seen, ask } = start();
  await ask(["a"]);

  const [reading, list] = [ask(["b"]), ask(["a", "b", "c", "d"])];

  assert.deepEqual([await reading, await list], [["b: x"], ["a: x", "b: x", "c: x", "d: x"]]);
  assert.deepEqual(seen.asked, [["a"], ["b"], ["c", "d"]]);
});

Deno.test("ObjectCache keeps each form by itself, and nothing of what retention has taken", async () => {
  const { cache, objects, seen, ask } = start();
  await ask(["a"]);

  await ask(["a"], OTHER_FORM);
  const [gone] = await cache.texts([head("a", { isBodyKept: false })], FORM, objects);

  assert.deepEqual(seen.asked, [["a"], ["a"]]);
  assert.equal(new TextDecoder().decode(gone), "a: ");
});

Deno.test("ObjectCache keeps no more than it may, and lets go what nobody asked for longest", async () => {
  const { seen, ask } = start({ maxBytes: 3 * ALONE_BYTES, body: "x".repeat(ALONE_BYTES - 600) });
  await ask(["a", "b", "c"]);
  await ask(["a"]);

  await ask(["d"]);
  await ask(["a", "c", "d"]);
  await ask(["b"]);

  assert.deepEqual(seen.asked, [["a", "b", "c"], ["d"], ["b"]]);
});

Deno.test("ObjectCache keeps nothing of a read that failed: whoever asks next has it read anew", async () => {
  const { seen, ask } = start();
  seen.missing.add("b");
  const failed = await Promise.allSettled([ask(["a", "b"]), ask(["b"]), ask(["a"])]);
  seen.missing.clear();

  const again = await ask(["b"]);

  assert.deepEqual(failed.map(({ status }) => status), ["rejected", "rejected", "fulfilled"]);
  assert.deepEqual([again, seen.asked], [["b: x"], [["a", "b"], ["b"]]]);
});
