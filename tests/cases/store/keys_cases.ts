import assert from "node:assert/strict";
import type { Caller } from "../../../broker/domain/caller.ts";
import type { KeyChange } from "../../../broker/domain/pak.ts";
import { openStore } from "../../../broker/store/open.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** What the table `previous_keys` must do: a key that its owner rotated goes on for a while. */
export const keysCases: readonly StoreCase[] = [
  {
    claim: "a key that its owner rotated is known beside the new one, as a former key, until the new one is used",
    async run(world) {
      for (const owner of await owners(world)) {
        const [first, second] = [world.hash(), world.hash()];
        await owner.change({ pakHash: first, keepsFormer: false });
        await owner.change({ pakHash: second, keepsFormer: true });

        const former = await world.store.keys.find(first);
        assert.deepEqual(former?.caller, { ...owner.caller, isByFormerKey: true });
        assert.equal(former?.pakHash, first);
        assert.ok(former.endsInMs !== undefined && former.endsInMs > 0 && former.endsInMs <= 600_000);
        const current = await world.store.keys.find(second);
        assert.deepEqual(current, { caller: owner.caller, pakHash: second, isActive: true, hasFormer: true });
        await world.store.keys.endFormer(owner.caller);
        assert.equal(await world.store.keys.find(first), undefined);
        assert.equal((await world.store.keys.find(second))?.hasFormer, undefined);
      }
    },
  },
  {
    claim: "a key that another rotated, or that was revoked, ends at once, and the one before it too",
    async run(world) {
      for (const owner of await owners(world)) {
        const [first, second, third] = [world.hash(), world.hash(), world.hash()];
        await owner.change({ pakHash: first, keepsFormer: false });
        await owner.change({ pakHash: second, keepsFormer: true });
        await owner.change({ pakHash: third, keepsFormer: false });

        const found = await Promise.all([first, second, third].map((hash) => world.store.keys.find(hash)));
        assert.deepEqual(found.map((key) => key?.caller), [undefined, undefined, owner.caller]);
      }
    },
  },
  {
    claim: "a former key is over after its time, is purged then, and not before",
    async run(world) {
      const [over, fresh] = [await rotated(world), await rotated(world)];
      await world.database.sql`update previous_keys set ends_at = now() where pak_hash = ${over}`;

      assert.equal(await world.store.keys.find(over), undefined);
      assert.ok(await world.store.keys.find(fresh));
      assert.equal(await world.store.keys.purgeFormer(10), 1);
      assert.ok(await world.store.keys.find(fresh));
    },
  },
  {
    claim: "a former key ends with its owner, and is refused with an inactive one",
    async run(world) {
      const { store } = world;
      const [agent, generator] = [await world.agent(), await world.generator()];
      const hashes = [world.hash(), world.hash()];
      for (const [index, keepsFormer] of [false, true].entries()) {
        await store.agents.changePak(agent.id, { pakHash: index === 0 ? hashes[0] ?? "" : world.hash(), keepsFormer });
        await store.generators.changePak(generator.id, {
          ...{ pakHash: index === 0 ? hashes[1] ?? "" : world.hash(), keepsFormer },
        });
      }
      const find = () => Promise.all(hashes.map((hash) => store.keys.find(hash)));
      assert.deepEqual((await find()).map((key) => key?.isActive), [true, true]);

      await store.generators.change(generator.id, { name: world.name("g"), isActive: false });
      assert.deepEqual((await find()).map((key) => key?.isActive), [true, false]);
      await store.agents.remove(agent.id);
      await store.generators.remove(generator.id);
      assert.deepEqual(await find(), [undefined, undefined]);
    },
  },
  {
    claim: "whoever opened the store hears at once of every key that is no longer what it was, once that is lasting",
    async run(world) {
      const heard: string[] = [];
      const [agent, generator] = [await world.agent(), await world.generator()];
      const store = openStore(world.database, {
        onKeysChanged({ owner, pakHashes = [] }) {
          assert.ok(owner?.id === agent.id || owner?.id === generator.id);
          heard.push(...pakHashes);
        },
      });
      const hashes = Array.from({ length: 6 }, () => world.hash());
      const [a = "", b = "", c = "", d = "", e = "", f = ""] = hashes;
      const said = () => heard.splice(0).filter((hash) => hashes.includes(hash));

      await store.agents.changePak(agent.id, { pakHash: a, keepsFormer: false });
      await store.agents.changePak(agent.id, { pakHash: b, keepsFormer: true });
      assert.deepEqual(said(), [a]);
      await store.agents.changePak(agent.id, { pakHash: c, keepsFormer: true });
      assert.deepEqual(said(), [a, b]);
      await store.keys.endFormer({ role: "agent", id: agent.id });
      assert.deepEqual(said(), [b]);
      await store.agents.remove(agent.id);
      assert.deepEqual(said(), [c]);
      await store.generators.changePak(generator.id, { pakHash: d, keepsFormer: false });
      await store.generators.changePak(generator.id, { pakHash: e, keepsFormer: true });
      assert.deepEqual(said(), [d]);
      await store.generators.change(generator.id, { name: world.name("g"), isActive: false });
      assert.deepEqual(said(), [d, e]);
      await assert.rejects(store.transaction(async (inside) => {
        await inside.generators.changePak(generator.id, { pakHash: f, keepsFormer: false });
        throw new Error("undone");
      }));
      assert.deepEqual(said(), []);
      await store.generators.remove(generator.id);
      assert.deepEqual(said(), [d, e]);
    },
  },
];

interface Owner {
  readonly caller: Caller;
  change(key: KeyChange): Promise<unknown>;
}

async function owners(world: StoreWorld): Promise<readonly Owner[]> {
  const { agents, generators, adminRole, keys } = world.store;
  const [agent, generator, adminHash] = [await world.agent(), await world.generator(), world.hash()];
  await adminRole.changePak({ pakHash: adminHash, keepsFormer: false });
  const adminId = (await keys.find(adminHash))?.caller.id ?? "";
  return [
    { caller: { role: "agent", id: agent.id }, change: (key) => agents.changePak(agent.id, key) },
    { caller: { role: "generator", id: generator.id }, change: (key) => generators.changePak(generator.id, key) },
    { caller: { role: "admin", id: adminId }, change: (key) => adminRole.changePak(key) },
  ];
}

/** A key that its owner has rotated. */
async function rotated(world: StoreWorld): Promise<string> {
  const { agents } = world.store;
  const [{ id }, former] = [await world.agent(), world.hash()];
  await agents.changePak(id, { pakHash: former, keepsFormer: false });
  await agents.changePak(id, { pakHash: world.hash(), keepsFormer: true });
  return former;
}
