import assert from "node:assert/strict";
import { readArguments } from "./arguments.ts";

Deno.test("readArguments() tells paths from flags, and takes a filter's value from the next argument", () => {
  const request = readArguments(["--", "broker/store", "--filter", "get()", "--fail-fast"]);

  assert.deepEqual(request, { isQuick: false, paths: ["broker/store"], flags: ["--filter=get()", "--fail-fast"] });
});

Deno.test("readArguments() takes --quick wherever it stands", () => {
  assert.deepEqual(readArguments(["broker", "--quick"]), { isQuick: true, paths: ["broker"], flags: [] });
});
