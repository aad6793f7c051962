import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { ManagedObjects } from "./managed_objects.ts";
import { AGENT_METRICS } from "../metrics.ts";

/** Managed objects, and what the page says of them. */
function counting() {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const managed = new ManagedObjects(registry.register(AGENT_METRICS).managedObjects);
  async function shown(): Promise<string | undefined> {
    const page = await registry.page?.("text") ?? "";
    return /^brokkr_agent_managed_objects (.*)$/m.exec(page)?.[1];
  }
  return { managed, shown };
}

Deno.test("the number of objects is known once every stack of the inventory was counted", async () => {
  const { managed, shown } = counting();
  const seen = [await shown()];
  managed.look()(["a", "b"]);
  seen.push(await shown());
  managed.count("a", 2);
  seen.push(await shown());
  managed.count("b", 3);

  assert.deepEqual([...seen, await shown()], [undefined, undefined, undefined, "5"]);
});

Deno.test("an empty inventory holds no object", async () => {
  const { managed, shown } = counting();

  managed.look()([]);

  assert.equal(await shown(), "0");
});

Deno.test("a stack whose number is lost takes the sum off the page until it is counted again", async () => {
  const { managed, shown } = counting();
  managed.look()(["a", "b"]);
  managed.count("a", 2);
  managed.count("b", undefined);
  const lost = await shown();

  managed.count("b", 1);

  assert.deepEqual([lost, await shown()], [undefined, "3"]);
});

Deno.test("a stack that is removed, or in the inventory no more, is not counted", async () => {
  const { managed, shown } = counting();
  managed.look()(["a", "b", "c"]);
  for (const stackId of ["a", "b", "c"]) managed.count(stackId, 1);
  managed.removed("a");
  const removed = await shown();

  managed.look()(["c"]);

  assert.deepEqual([removed, await shown()], ["2", "1"]);
});

Deno.test("what a turn says while the inventories are listed is newer than the list", async () => {
  const { managed, shown } = counting();
  managed.look()(["old"]);
  managed.count("old", 1);
  const listed = managed.look();
  managed.count("new", 5);
  managed.removed("old");

  listed(["old"]);

  assert.equal(await shown(), "5");
});

Deno.test("a list that fails takes the sum off the page until one succeeds", async () => {
  const { managed, shown } = counting();
  managed.look()(["a"]);
  managed.count("a", 2);
  managed.look()(undefined);
  const failed = await shown();

  managed.look()(["a"]);

  assert.deepEqual([failed, await shown()], [undefined, "2"]);
});
