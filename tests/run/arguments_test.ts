import assert from "node:assert/strict";
import { readArguments, without } from "./arguments.ts";

Deno.test("readArguments() tells paths from flags, and takes a filter's value from the next argument", () => {
  const request = readArguments(["--", "broker/store", "--filter", "get()", "--fail-fast"]);

  assert.deepEqual(request, { isQuick: false, paths: ["broker/store"], flags: ["--filter=get()", "--fail-fast"] });
});

Deno.test("readArguments() leaves out story 15 when quick, unless a filter is given", () => {
  assert.match(readArguments(["--quick"]).flags.join(), /^--filter=/);
  assert.deepEqual(readArguments(["--quick", "--filter=story 15"]).flags, ["--filter=story 15"]);
});

Deno.test("without() matches every name but those that begin with the prefix", () => {
  const pattern = new RegExp(without("story 15"));

  const kept = ["", "s", "story", "story 1", "story 14: x", "a story 15"].filter((name) => pattern.test(name));
  const left = ["story 15", "story 15: many requests"].filter((name) => pattern.test(name));

  assert.equal(kept.length, 6);
  assert.deepEqual(left, []);
});
