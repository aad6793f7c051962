import assert from "node:assert/strict";
import { stringify } from "yaml";
import { parseBundle } from "$lib/bundle.ts";
import { fc } from "../tests/fakes/fast_check.ts";

Deno.test("parseBundle() never throws, gives faults or manifests but not both, and each fault a real line", () => {
  const pieces = fc.constantFrom(
    ...["a", ":", " ", "\n", "- ", "---\n", "[", "{", "}", "&x ", "*x", "!!t ", "'", '"'],
    ...[
      "|\n",
      "\t",
      "? ",
      "%YAML",
      "#",
      "\r\n",
      "\0",
      "<<: ",
      "kind: List\n",
      "items:",
      "apiVersion: v1\n",
      "é",
      "...\n",
    ],
  );
  const noise = fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 40 }).map((parts) =>
    parts.join("")
  );

  fc.assert(
    fc.property(noise, (content) => {
      const { manifests, faults } = parseBundle(content);

      assert.ok(manifests.length === 0 || faults.length === 0);
      for (const { line, document } of faults) {
        assert.ok(line >= 1 && line <= content.split("\n").length && document >= 1);
      }
      assert.doesNotThrow(() => JSON.stringify(manifests));
    }),
    { numRuns: 2_000 },
  );
});

/**
 * Numbers of more than 64 bits, and texts that the writer leaves without quotes, though they are numbers or merges
 * here.
 */
const OTHER_FOR_THE_WRITER = /\d{19}|"(?:<<|[-+]?0[oX][^"]*)"/;

Deno.test("parseBundle() gives back any JSON that was written as YAML 1.1", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: value };

      const { manifests, faults } = parseBundle(stringify(object, { version: "1.1" }));

      if (OTHER_FOR_THE_WRITER.test(JSON.stringify(value))) return;
      assert.deepEqual(faults, []);
      assert.deepEqual(JSON.parse(JSON.stringify(manifests[0]?.object)), JSON.parse(JSON.stringify(object)));
    }),
    { numRuns: 200 },
  );
});
