import assert from "node:assert/strict";
import type { ObjectResult } from "$lib/wire/event.ts";
import { PACKED_MAX_BYTES, packResults, unpackResults, worstFirst } from "./results.ts";

/** Digits that no compression makes shorter than half. */
function noise(length: number): string {
  return crypto.getRandomValues(new Uint8Array(Math.ceil(length / 2))).toHex();
}

Deno.test("worstFirst() puts failures first, then what is ill, what was kept, what was done, and the rest", () => {
  const results: ObjectResult[] = [
    { kind: "A", name: "1", action: "unchanged" },
    { kind: "A", name: "2", action: "created" },
    { kind: "A", name: "3", action: "kept" },
    { kind: "A", name: "4", action: "unchanged", health: "degraded" },
    { kind: "A", name: "5", action: "failed" },
    { kind: "A", name: "6", action: "unchanged", health: "healthy" },
  ];

  assert.deepEqual(worstFirst(results).map(({ name }) => name), ["5", "4", "3", "2", "1", "6"]);
});

Deno.test("packResults() gives the same bytes for the same results, and they are read back", async () => {
  const results: ObjectResult[] = [{ kind: "A", name: "a", action: "configured", fields: [".data.x"] }];

  const [first, second] = [await packResults(results, ["w"]), await packResults(results, ["w"])];

  assert.deepEqual(first, second);
  assert.deepEqual(await unpackResults(first), { objects: results, omitted: 0, warnings: ["w"] });
});

Deno.test("packResults() keeps the worst of what is too much, and counts the rest", async () => {
  const results = Array.from({ length: 2_000 }, (_, index): ObjectResult => {
    const action = index < 1_900 ? "unchanged" : "failed";
    return { kind: "A", name: String(index), action, error: noise(1_000) };
  });

  const packed = await packResults(results, []);
  const { objects, omitted } = await unpackResults(packed);

  assert.ok(packed.length <= PACKED_MAX_BYTES, `${packed.length} bytes`);
  assert.equal(objects.length + omitted, results.length);
  assert.ok(objects.length >= 100 && objects.slice(0, 100).every(({ action }) => action === "failed"));
});
