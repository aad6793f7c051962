import assert from "node:assert/strict";
import { type ChangeNotice, readNotice, writeNotice, writeNotices } from "./notice.ts";

Deno.test("readNotice() reads what writeNotice() wrote, and passes over what it does not know", () => {
  assert.deepEqual(readNotice(writeNotice(["keys", "agents"])), { changed: ["keys", "agents"], agentIds: [] });
  assert.deepEqual(readNotice('{"changed":["moons","stacks"]}').changed, ["stacks"]);
});

Deno.test("writeNotices() names 200 agents a notice, each shorter than what the server takes", () => {
  const agentIds = Array.from({ length: 401 }, () => crypto.randomUUID());
  const notice: ChangeNotice = { changed: ["keys", "agents", "stacks", "deployment_objects"], agentIds };

  const payloads = writeNotices(notice);

  const read = payloads.map(readNotice);
  assert.deepEqual(read.map((one) => one.agentIds.length), [200, 200, 1]);
  assert.deepEqual(read.flatMap((one) => one.agentIds), agentIds);
  assert.deepEqual(read.flatMap((one) => one.changed), notice.changed);
  assert.ok(payloads.every((payload) => payload.length < 8_000));
});
