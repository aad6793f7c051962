import assert from "node:assert/strict";
import { isAtLeast } from "./go.ts";

Deno.test("isAtLeast() compares versions by number, part by part", () => {
  const answers = [["1.26.8", "1.26.0"], ["1.26", "1.26.0"], ["1.9.7", "1.26.0"], ["2.0", "1.26.0"], [
    "1.25.99",
    "1.26.0",
  ]]
    .map(([version = "", wanted = ""]) => isAtLeast(version, wanted));

  assert.deepEqual(answers, [true, true, false, true, false]);
});
