import assert from "node:assert/strict";
import { apiOver, buildWorld, CONFIG_MAP } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";

/** The same store, which counts what is asked of it for polls. */
function counting(store: Store) {
  const counts = { version: 0, read: 0 };
  const snapshots: Store["snapshots"] = {
    ...store.snapshots,
    version: (id) => (counts.version += 1, store.snapshots.version(id)),
    read: (id, options) => (counts.read += 1, store.snapshots.read(id, options)),
  };
  return { store: { ...store, snapshots }, counts };
}

Deno.test("a snapshot is read once for each revision, and the same one is answered again from memory", async () => {
  await using held = await embeddedDatabase();
  const { store, counts } = counting(openStore(held.database));
  const { agentId, stackId, keys } = await buildWorld(store);
  const ask = apiOver(store);
  const poll = (headers = {}) => ask({ path: `/api/v1/agents/${agentId}/snapshot`, key: keys.agent, headers });
  const before = await poll();

  const again = await poll();
  const known = await poll({ "if-none-match": before.headers.get("etag") ?? "" });
  const readsBefore = { ...counts };
  await store.stacks.change(stackId, { name: "other" });
  const changed = await poll({ "if-none-match": before.headers.get("etag") ?? "" });

  assert.deepEqual(readsBefore, { version: 2, read: 1 });
  assert.deepEqual([again.status, again.text, known.status, changed.status], [200, before.text, 304, 200]);
  assert.equal(again.headers.get("etag"), before.headers.get("etag"));
  assert.equal(again.headers.get("content-type"), "application/json");
  assert.match(changed.text, /"name":"other"/);
  assert.equal(counts.read, 2);
});

Deno.test("a snapshot that only the admin has read is read again for the agent, and counts as delivered then", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { agentId, stackId, keys } = await buildWorld(store);
  const ask = apiOver(store);
  const path = `/api/v1/agents/${agentId}/snapshot`;
  const deliveredAt = async () => (await store.deliveries.find(agentId, stackId))?.deliveredAt;
  const body = { yaml_content: CONFIG_MAP.replace("settings", "others") };
  await ask({ path, key: keys.agent });
  await ask({ path: `/api/v1/stacks/${stackId}/deployment-objects`, key: keys.generator, method: "POST", body });

  for (let look = 0; look < 2; look += 1) await ask({ path, key: keys.admin });
  const unseen = await deliveredAt();
  await ask({ path, key: keys.agent });

  assert.deepEqual([unseen, await deliveredAt() !== undefined], [undefined, true]);
});
