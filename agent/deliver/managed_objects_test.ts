import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { RecordedObject, StackRecord } from "../plan/record.ts";
import { ManagedHealth, ManagedObjects } from "./managed_objects.ts";

const OBJECT: RecordedObject = { group: "", kind: "ConfigMap", version: "v1", name: "a", uid: "u", checksum: "c" };
const RECORD: StackRecord = {
  id: "s",
  name: "web",
  deploymentObjectId: undefined,
  deploymentChecksum: undefined,
  wanted: undefined,
  objects: [OBJECT, { ...OBJECT, name: "b", uid: undefined }],
};

/** What the page says after each of these was shown, one after the other. */
async function shown(...all: readonly (readonly StackRecord[])[]): Promise<readonly (string | undefined)[]> {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const managed = new ManagedObjects(registry.register(AGENT_METRICS).managedObjects);
  const said: (string | undefined)[] = [];
  for (const records of all) {
    managed.show(records);
    const page = await registry.page?.("text") ?? "";
    said.push(page.split("\n").find((line) => line.startsWith("brokkr_agent_managed_objects "))?.split(" ")[1]);
  }
  return said;
}

Deno.test("show() counts what is in the cluster, and not what is only named before its first write", async () => {
  const changed = { ...RECORD, objects: [OBJECT, { ...OBJECT, name: "b" }] };

  assert.deepEqual(await shown([RECORD, { ...RECORD, id: "t" }], [RECORD], [changed, RECORD], []), [
    "2",
    "1",
    "3",
    "0",
  ]);
});

Deno.test("show() shows nothing while one record can't be read, or is still to be made", async () => {
  const legacy = { groupKinds: [], namespaces: [], isSpoilt: false };

  const said = await shown([RECORD, { ...RECORD, unreadable: "it is spoilt" }], [RECORD], [{ ...RECORD, legacy }]);

  assert.deepEqual(said, [undefined, "1", undefined]);
});

Deno.test("show() counts each record once", async () => {
  let looks = 0;
  const record = {
    ...RECORD,
    get objects() {
      looks += 1;
      return RECORD.objects;
    },
  };

  assert.deepEqual([await shown([record], [record, RECORD], [record]), looks], [["1", "2", "1"], 1]);
});

Deno.test("ManagedHealth shows the objects of all stacks, by how well they are, without those of a stack that is gone", async () => {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const health = new ManagedHealth(registry.register(AGENT_METRICS).managedObjectsHealth);
  const shown = async () => {
    const page = await registry.page?.("text") ?? "";
    const lines = page.split("\n").filter((line) => line.startsWith("brokkr_agent_managed_objects_health"));
    return lines.map((line) => line.split(" ")[1]).join(" ");
  };

  const said = [await shown()];
  health.counted("s", { healthy: 3, progressing: 1, degraded: 0, unknown: 0 });
  health.counted("t", { healthy: 1, progressing: 0, degraded: 2, unknown: 0 });
  said.push(await shown());
  health.counted("s", undefined);
  said.push(await shown());

  assert.deepEqual(said, ["0 0 0 0", "4 1 2 0", "1 0 2 0"]);
});
