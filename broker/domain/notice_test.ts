import assert from "node:assert/strict";
import { type ChangeNotice, readKeysNotice, readNotice, writeKeysNotice, writeNotices } from "./notice.ts";

Deno.test("readNotice() reads what writeNotice() wrote, and passes over what it does not know", () => {
  assert.deepEqual(readNotice(oneNotice({ changed: ["keys", "agents"], agentIds: [] })), {
    changed: ["keys", "agents"],
    agentIds: [],
  });
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

Deno.test("readKeysNotice() says whose keys changed, of 0.10.0's notices that any may have, of others nothing", () => {
  const keys = { owner: { role: "agent", id: "a1" }, pakHashes: ["0"] } as const;

  assert.deepEqual(readKeysNotice(writeKeysNotice(keys)), keys);
  assert.deepEqual(readNotice(writeKeysNotice(keys)).changed, ["keys"]);
  assert.deepEqual(readKeysNotice(oneNotice({ changed: ["keys"], agentIds: [] })), {
    owner: undefined,
    pakHashes: undefined,
  });
  assert.equal(readKeysNotice(oneNotice({ changed: ["agents"], agentIds: [] })), undefined);
});

Deno.test("readNotice() and readKeysNotice() read what is no notice of ours as one that says nothing", () => {
  const texts = [
    "",
    "hello",
    "null",
    "7",
    "[]",
    "{}",
    '{"changed":7}',
    '{"changed":"keys"}',
    '{"changed":[7],"agents":7}',
  ];
  for (const payload of texts) {
    assert.deepEqual(readNotice(payload), { changed: [], agentIds: [] }, payload);
    assert.equal(readKeysNotice(payload), undefined, payload);
  }
  const any = { owner: undefined, pakHashes: undefined };
  assert.deepEqual(readKeysNotice('{"changed":["keys"],"owner":7,"pak_hashes":"x"}'), any);
});

function oneNotice(notice: ChangeNotice): string {
  const [only = "", ...more] = writeNotices(notice);
  assert.deepEqual(more, []);
  return only;
}
