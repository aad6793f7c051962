import assert from "node:assert/strict";
import type { ApiResource, ObjectMeta } from "$lib/kubernetes.ts";
import { silentLog } from "../../../tests/fakes/silent_log.ts";
import { MemberMeta, sharedTexts } from "../records/member_meta.ts";
import { OWNER_ID } from "../names.ts";
import { OrphanScan } from "./orphans.ts";

const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};

function member(name: string, more: Partial<ObjectMeta> = {}): MemberMeta {
  const metadata = { name, namespace: "n", uid: `uid-${name}`, annotations: { [OWNER_ID]: "agent" }, ...more };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata };
  return new MemberMeta(CONFIG_MAPS, object, { hasFoldable: () => false, shared: sharedTexts() });
}

/** A scan of an agent whose records hold `recorded`, by uid. */
function scanning(...recorded: readonly string[]) {
  const warnings: Record<string, unknown>[] = [];
  const log = { ...silentLog(), warn: (_: string, fields: Record<string, unknown> = {}) => void warnings.push(fields) };
  const orphans = new OrphanScan({ log, agentId: "agent", isRecorded: (_, uid) => recorded.includes(uid) });
  const signal = new AbortController().signal;
  const scan = (...members: readonly MemberMeta[]) => {
    const sweep = { list: () => Promise.resolve({ members: new Map([["set", members]]) }) };
    return orphans.scan(sweep, [{ group: "", kind: "ConfigMap" }], signal);
  };
  return { scan, warnings };
}

Deno.test("what carries our marks and is in no record, twice in a row, is named once", async () => {
  const { scan, warnings } = scanning("uid-ours");
  const all = [member("ours"), member("copied"), member("theirs", { annotations: { [OWNER_ID]: "another agent" } })];

  const counts = [];
  for (let times = 0; times < 4; times += 1) counts.push(await scan(...all));

  assert.deepEqual(counts, [0, 1, 1, 1]);
  assert.deepEqual(warnings, [{ count: 1, objects: ["ConfigMap n/copied"] }]);
});

Deno.test("what a controller made with the marks of its owner, as the slices of Endpoints, is no orphan", async () => {
  const { scan, warnings } = scanning();
  const ownerReferences = [{ apiVersion: "v1", kind: "Endpoints", name: "e", uid: "e", controller: true }];

  const counts = [await scan(member("slice", { ownerReferences })), await scan(member("slice", { ownerReferences }))];

  assert.deepEqual([counts, warnings], [[0, 0], []]);
});

Deno.test("what is in no record for a moment, while a turn writes or releases it, is no orphan", async () => {
  const { scan, warnings } = scanning();

  const counts = [await scan(member("a")), await scan(member("b")), await scan()];

  assert.deepEqual([counts, warnings], [[0, 0, 0], []]);
});

Deno.test("an orphan that comes back is named again, and a line names twenty at most", async () => {
  const { scan, warnings } = scanning();
  const many = Array.from({ length: 30 }, (_, index) => member(`copy-${index}`));
  for (const members of [many, many, [], many, many]) await scan(...members);

  assert.deepEqual(warnings.map(({ count, objects }) => [count, (objects as string[]).length]), [[30, 20], [30, 20]]);
});
