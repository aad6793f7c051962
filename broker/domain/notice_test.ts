import assert from "node:assert/strict";
import { readNotice, writeNotice } from "./notice.ts";

Deno.test("readNotice() reads what writeNotice() wrote, and passes over what it does not know", () => {
  assert.deepEqual(readNotice(writeNotice(["keys", "agents"])), ["keys", "agents"]);
  assert.deepEqual(readNotice('{"changed":["moons","stacks"]}'), ["stacks"]);
});
