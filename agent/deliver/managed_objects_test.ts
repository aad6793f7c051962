import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { RecordedObject, StackRecord } from "../plan/record.ts";
import { showManagedObjects } from "./managed_objects.ts";

const OBJECT: RecordedObject = { group: "", kind: "ConfigMap", version: "v1", name: "a", uid: "u", checksum: "c" };
const RECORD: StackRecord = {
  id: "s",
  name: "web",
  deploymentObjectId: undefined,
  deploymentChecksum: undefined,
  wanted: undefined,
  objects: [OBJECT, { ...OBJECT, name: "b", uid: undefined }],
};

async function shown(...records: readonly StackRecord[]): Promise<readonly string[]> {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  showManagedObjects(registry.register(AGENT_METRICS).managedObjects, records);
  const page = await registry.page?.("text") ?? "";
  return page.split("\n").filter((line) => line.startsWith("brokkr_agent_managed_objects "));
}

Deno.test("showManagedObjects() counts what is in the cluster, and not what is only named before its first write", async () => {
  assert.deepEqual(await shown(RECORD, { ...RECORD, id: "t" }), ["brokkr_agent_managed_objects 2"]);
  assert.deepEqual(await shown(), ["brokkr_agent_managed_objects 0"]);
});

Deno.test("showManagedObjects() shows nothing while one record can't be read, or is still to be made", async () => {
  const legacy = { groupKinds: [], namespaces: [], isSpoilt: false };

  assert.deepEqual(await shown(RECORD, { ...RECORD, unreadable: "it is spoilt" }), []);
  assert.deepEqual(await shown(RECORD, { ...RECORD, legacy }), []);
});
