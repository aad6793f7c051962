import assert from "node:assert/strict";
import { emptyTurnRecord, fakeRecords } from "../../../tests/fakes/turn_records.ts";
import type { StackRecord } from "../../plan/record.ts";
import type { Desired } from "../desired.ts";
import { readRecordText, recordText } from "./record_text.ts";
import { CONFIG_MAPS } from "./records.ts";
import { TurnRecord } from "./turn_record.ts";

function desiredOf(name: string): Desired {
  return {
    ...{ key: JSON.stringify(["", "ConfigMap", "n", name]), groupKind: { group: "", kind: "ConfigMap" }, stage: 3 },
    place: { resource: CONFIG_MAPS, namespace: "n", name },
    ...{ checksum: "0123456789abcdef0123", legacyChecksum: undefined, policies: {}, source: "document 1" },
    ...{
      isOfNewType: false,
      isOfOtherServer: false,
      object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } },
    },
  };
}

Deno.test("intend() names an object without a uid, and note() what the API server made of it", async () => {
  const records = fakeRecords();
  const record = emptyTurnRecord(records);
  const one = desiredOf("a");

  record.intend([one]);
  await record.save();
  record.note(one, { name: "a", uid: "u", resourceVersion: "7" });
  await record.save();

  const identity = {
    group: "",
    kind: "ConfigMap",
    version: "v1",
    namespace: "n",
    name: "a",
    checksum: "0123456789abcdef",
  };
  assert.deepEqual(records.written.map(({ objects }) => objects), [
    [identity],
    [{ ...identity, uid: "u", resourceVersion: "7" }],
  ]);
});

Deno.test("save() writes nothing that the record says already", async () => {
  const records = fakeRecords();
  const record = emptyTurnRecord(records);
  const meta = { name: "a", uid: "u", generation: 2, labels: { app: "web" } };
  record.note(desiredOf("a"), meta);
  await record.save();

  record.note(desiredOf("a"), { ...meta, resourceVersion: "9" });
  await record.save();

  assert.equal(records.written.length, 1);
});

Deno.test("save() writes nothing where what was read says the same in another order", async () => {
  const records = fakeRecords();
  const one = { ...desiredOf("a"), policies: { prune: "disabled", adopt: "keep" } } as const;
  const meta = { name: "a", uid: "u", generation: 2 };
  const first = emptyTurnRecord(records);
  first.note(one, meta, { isAdopted: true });
  await first.save();
  const [written] = records.written;
  const read = { ...written, ...readRecordText(recordText({ objects: [], wanted: undefined, ...written })) };
  const again = new TurnRecord(records, { id: "s", name: "web" }, read as StackRecord);

  again.note({ ...one, policies: { adopt: "keep", prune: "disabled" } }, meta, { isAdopted: true });
  await again.save();

  assert.equal(records.written.length, 1);
});

Deno.test("isWhole() is true once all is there that the bundle wants, and nothing else", () => {
  const record = emptyTurnRecord();
  const [wanted, other] = [desiredOf("a"), desiredOf("b")];
  record.want({ deploymentObjectId: "o", keys: [wanted.key] });
  record.note(wanted, { name: "a", uid: "u" });
  record.note(other, { name: "b", uid: "v" });
  const before = record.isWhole("o");
  record.complete({ id: "o", checksum: "c" });
  const withOther = record.isWhole("o");

  record.drop(other.key);

  assert.deepEqual([before, withOther, record.isWhole("o"), record.isWhole("p")], [false, false, true, false]);
});

Deno.test("want() remembers how many objects there were before, whatever a bundle brings that is not whole yet", () => {
  const record = emptyTurnRecord();
  const bring = (...names: readonly string[]) =>
    names.forEach((name) => record.note(desiredOf(name), { name, uid: name }));
  const want = (id: string, ...names: readonly string[]) => {
    record.want({ deploymentObjectId: id, keys: names.map((name) => desiredOf(name).key) });
    return record.had;
  };

  const had = [want("o", "a", "b")];
  bring("a", "b");
  record.complete({ id: "o", checksum: "c" });
  had.push(want("p", "c", "d"));
  bring("c", "d");
  had.push(want("p", "c", "d"), want("q", "c", "e"));
  bring("e");
  record.complete({ id: "q", checksum: "c" });
  had.push(want("q", "f"));

  assert.deepEqual(had, [0, 2, 2, 2, 5]);
});

Deno.test("hold() marks what is held, and takes the mark from what is not any more", async () => {
  const records = fakeRecords();
  const record = emptyTurnRecord(records);
  record.note(desiredOf("a"), { name: "a", uid: "u" });

  record.markHeld(new Set([desiredOf("a").key]));
  await record.save();
  record.markHeld(new Set());
  await record.save();

  assert.deepEqual(records.written.map(({ objects }) => objects[0]?.state), ["held", undefined]);
});
