import assert from "node:assert/strict";
import type { RootRecord } from "./guard.ts";
import { readRootRecord, rootAnnotations } from "./root_record.ts";

const RECORD: RootRecord = {
  known: { epoch: "e", revision: 7 },
  hold: undefined,
  held: { revision: 6, stackIds: ["a"], isApproved: false },
  acceptEpoch: undefined,
};

Deno.test("readRootRecord() reads what rootAnnotations() writes", () => {
  const record = { ...RECORD, hold: { epoch: "o", revision: 1 }, acceptEpoch: "o" };

  assert.deepEqual(readRootRecord(rootAnnotations(record)), { record, spoilt: [] });
});

Deno.test("readRootRecord() remembers nothing of an object without annotations", () => {
  const record = { known: undefined, hold: undefined, held: undefined, acceptEpoch: undefined };

  assert.deepEqual(readRootRecord({}), { record, spoilt: [] });
});

const SPOILT = [
  ["brokkr.io/hold", "{"],
  ["brokkr.io/hold", "null"],
  ["brokkr.io/hold", ""],
  ["brokkr.io/held", "{}"],
  ["brokkr.io/held", `{"revision":6,"stackIds":"a","isApproved":true}`],
  ["brokkr.io/revision", "seven"],
  ["brokkr.io/revision", "-1"],
] as const;
for (const [name, text] of SPOILT) {
  Deno.test(`readRootRecord() takes ${name} for a hold when it says ${JSON.stringify(text)}`, () => {
    const { record, spoilt } = readRootRecord({ ...rootAnnotations(RECORD), [name]: text });

    assert.notEqual(record.hold, undefined);
    assert.deepEqual(spoilt, [name]);
  });
}

Deno.test("readRootRecord() takes an epoch without its revision for a hold", () => {
  const { "brokkr.io/revision": _, ...annotations } = rootAnnotations(RECORD);

  const { record, spoilt } = readRootRecord(annotations);

  assert.notEqual(record.hold, undefined);
  assert.deepEqual(spoilt, ["brokkr.io/revision"]);
});
