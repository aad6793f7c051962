import assert from "node:assert/strict";
import { alignedTable, seconds } from "./table.ts";

Deno.test("alignedTable() makes each column as wide as its widest cell", () => {
  assert.deepEqual(alignedTable(["a", "bb"], [["ccc", "d"]]), ["a    bb", "───────", "ccc  d"]);
});

Deno.test("seconds() keeps one decimal", () => {
  assert.equal(seconds(1249), "1.2");
});
