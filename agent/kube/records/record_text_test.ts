import assert from "node:assert/strict";
import { newId } from "$lib/ids.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { readRecordText, recordText } from "./record_text.ts";

const OBJECT: RecordedObject = {
  group: "apps",
  kind: "Deployment",
  version: "v1",
  namespace: "shop",
  name: "web",
  uid: "u",
  checksum: "0123456789abcdef",
  policies: { prune: "disabled", ignore: ["/spec/replicas"] },
  adopted: true,
  generation: 3,
  marks: "aa",
  state: "held",
  yielded: [{ path: "/spec/paused", manager: "other" }],
};
const CONTENT = {
  objects: [OBJECT, { group: "", kind: "ConfigMap", version: "v1", name: "a", checksum: "c", resourceVersion: "7" }],
  wanted: { deploymentObjectId: "o", keys: ["k"] },
  inTheWay: { revision: 4, uids: ["x"] },
};
/** Nothing that gzip makes small. */
const MANY: readonly RecordedObject[] = Array.from(
  { length: 30_000 },
  () => ({ ...OBJECT, name: newId(), uid: newId() }),
);

Deno.test("readRecordText() reads what recordText() writes, and that is the same text again", () => {
  const text = recordText(CONTENT);

  const read = readRecordText(text);

  assert.deepEqual(read, CONTENT);
  assert.deepEqual(recordText(read ?? { objects: [], wanted: undefined }), text);
});

Deno.test("recordText() is in pieces of which a ConfigMap holds two", () => {
  const { digest, pieces } = recordText({ objects: MANY, wanted: undefined });

  assert.ok(pieces.length > 1);
  for (const piece of pieces) assert.ok(Buffer.from(piece, "base64").length <= 512 * 1024);
  assert.deepEqual(readRecordText({ digest, pieces })?.objects, MANY);
});

Deno.test("readRecordText() believes nothing but the whole record that its digest names", () => {
  const text = recordText(CONTENT);
  const many = recordText({ objects: MANY, wanted: undefined });
  const other = recordText({ ...CONTENT, wanted: undefined });

  assert.equal(readRecordText({ ...text, pieces: [] }), undefined);
  assert.equal(readRecordText({ ...text, pieces: ["bm90aGluZw=="] }), undefined);
  assert.equal(readRecordText({ ...text, pieces: other.pieces }), undefined);
  assert.equal(readRecordText({ ...many, pieces: many.pieces.slice(1) }), undefined);
});
