import assert from "node:assert/strict";
import type { RootRecord } from "./guard.ts";
import { readRootRecord, rootAnnotations } from "./root_record.ts";

const RECORD: RootRecord = {
  known: { epoch: "e", revision: 7 },
  hold: undefined,
  held: [
    { id: "a", objects: 3, revision: 6, isApproved: false },
    { id: "d", objects: 1, revision: 5, isApproved: true },
    { id: "b", objects: 2, keys: "#0", revision: 4, isApproved: false },
  ],
  removals: [{ stackId: "c", kind: "objects", atMs: 1_000, stacks: 0, objects: 2, keys: "#1" }],
  acceptEpoch: undefined,
};

Deno.test("readRootRecord() reads what rootAnnotations() writes", () => {
  const record = { ...RECORD, hold: { epoch: "o", revision: 1 }, acceptEpoch: "o", approvePrune: 6 };

  assert.deepEqual(readRootRecord(rootAnnotations(record)), { record, spoilt: [] });
});

Deno.test("readRootRecord() remembers nothing of an object without annotations", () => {
  const record = { known: undefined, hold: undefined, held: [], removals: [], acceptEpoch: undefined };

  assert.deepEqual(readRootRecord({}), { record, spoilt: [] });
});

Deno.test("readRootRecord() takes an approval that is no revision for none", () => {
  const { record, spoilt } = readRootRecord({ ...rootAnnotations(RECORD), "brokkr.io/approve-prune": "all" });

  assert.deepEqual([record, spoilt], [RECORD, []]);
});

const SPOILT = [
  ["brokkr.io/hold", "{"],
  ["brokkr.io/hold", "null"],
  ["brokkr.io/hold", ""],
  ["brokkr.io/held", "{}"],
  ["brokkr.io/held", `{"revision":6,"stackIds":"a","isApproved":true}`],
  ["brokkr.io/removals", "{}"],
  ["brokkr.io/removals", `[{"stack":"a","kind":"absent","at":"yesterday","stacks":1,"objects":1}]`],
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

Deno.test("readRootRecord() reads a held set of version 0.10.0, which reads ours", () => {
  const old = { revision: 6, stackIds: ["a"], isApproved: true };
  const annotations = { "brokkr.io/held": JSON.stringify(old) };

  const { record } = readRootRecord(annotations);

  assert.deepEqual(record.held, [{ id: "a", objects: 0, revision: 6, isApproved: true }]);
  const { revision, stackIds, isApproved } = JSON.parse(rootAnnotations(record)["brokkr.io/held"] ?? "");
  assert.deepEqual({ revision, stackIds, isApproved }, old);
});

Deno.test("rootAnnotations() tells version 0.10.0 that all is held at the newest revision, approved where all is", () => {
  const annotated = (held: RootRecord["held"]) => {
    const { revision, isApproved } = JSON.parse(rootAnnotations({ ...RECORD, held })["brokkr.io/held"] ?? "");
    return { revision, isApproved };
  };
  const approved = RECORD.held.map((one) => ({ ...one, isApproved: true }));

  assert.deepEqual([annotated(RECORD.held), annotated(approved)], [
    { revision: 6, isApproved: false },
    { revision: 6, isApproved: true },
  ]);
});
