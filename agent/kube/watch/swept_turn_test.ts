import assert from "node:assert/strict";
import type { ObjectMeta } from "$lib/kubernetes.ts";
import { emptyTurnRecord } from "../../../tests/fakes/turn_records.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { marksOf } from "../records/marks.ts";
import { MemberMeta } from "../records/member_meta.ts";
import { objectKey } from "../names.ts";
import { CONFIG_MAPS } from "../records/records.ts";
import { sweptTurn } from "./swept_turn.ts";
import type { SweptKind } from "./sweep.ts";

const SET = { id: "set", stackId: "s", agentId: "a" };
const META: ObjectMeta = {
  name: "a",
  namespace: "n",
  uid: "u",
  generation: 2,
  resourceVersion: "9",
  labels: { app: "x" },
};
const RECORDED: RecordedObject = {
  group: "",
  kind: "ConfigMap",
  version: "v1",
  namespace: "n",
  name: "a",
  uid: "u",
  checksum: "c",
  generation: 2,
  marks: marksOf(META),
};

/** What a turn comes to where a sweep finds this of the one object that is recorded. */
async function swept(
  found: Partial<ObjectMeta> | undefined,
  { failure, isAway, ...changed }: Partial<RecordedObject & SweptKind> = {},
) {
  const record = emptyTurnRecord();
  record.adopt(objectKey(RECORDED, RECORDED), { ...RECORDED, ...changed });
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...META, ...found } };
  const member = new MemberMeta(CONFIG_MAPS, object, { hasFoldable: () => false, shared: (text) => text });
  const kind: SweptKind = { members: new Map([[SET.id, found === undefined ? [] : [member]]]), failure, isAway };
  const sweep = { list: () => Promise.resolve(kind) };
  const turn = await sweptTurn(sweep, { set: SET, record }, new AbortController().signal);
  return turn && [...turn.results.map(({ name, action }) => `${name} ${action}`), ...turn.unseen];
}

Deno.test("sweptTurn() passes over what is as it was compared last, though its status was written", async () => {
  assert.deepEqual(await swept({ resourceVersion: "12" }), ["a unchanged"]);
});

Deno.test("sweptTurn() leaves to a real turn what is gone, is another one, or was written since", async () => {
  const others = [undefined, { uid: "v" }, { generation: 3 }, { labels: { app: "y" } }, { deletionTimestamp: "now" }];

  for (const found of others) assert.equal(await swept(found), undefined, JSON.stringify(found));
});

Deno.test("sweptTurn() leaves everything to a real turn where the list failed, or the object was never answered", async () => {
  assert.equal(await swept({}, { failure: "no" }), undefined);
  assert.equal(await swept({}, { uid: undefined }), undefined);
});

Deno.test("sweptTurn() does not miss what is applied once and gone", async () => {
  assert.deepEqual(await swept(undefined, { policies: { apply: "once" } }), ["a unchanged"]);
});

Deno.test("sweptTurn() takes what nobody can see, because what is behind its type does not answer, to be as it was", async () => {
  assert.deepEqual(await swept(undefined, { failure: "the webhook is away", isAway: true }), [
    "a unchanged",
    "the webhook is away",
  ]);
});
