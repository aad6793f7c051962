import assert from "node:assert/strict";
import type { StoreCase } from "./store_world.ts";

/** What the tables `generators` and `admin_role`, and the look-up of keys, must do. */
export const generatorsCases: readonly StoreCase[] = [
  {
    claim: "a new database has the system generator and the admin's",
    async run({ store }) {
      const { items } = await store.generators.list();

      const made = items.slice(0, 2).map(({ name, isSystem }) => ({ name, isSystem }));
      assert.deepEqual(new Set(made.map(({ name }) => name)), new Set(["__system__", "admin-generator"]));
      assert.deepEqual(made.find(({ isSystem }) => isSystem)?.name, "__system__");
    },
  },
  {
    claim: "generators.change() replaces name and description, and keeps isActive unless told",
    async run(world) {
      const { generators } = world.store;
      const { id } = await world.generator();
      await generators.change(id, { name: world.name("a"), description: "old", isActive: false });

      const changed = await generators.change(id, { name: world.name("b") });

      assert.deepEqual([changed.description, changed.isActive], [undefined, false]);
      assert.deepEqual(await generators.get(id), changed);
    },
  },
  {
    claim: "a removed generator frees its name, loses its key, and its stacks are to be removed by their agents",
    async run(world) {
      const { store } = world;
      const linked = await world.applied();
      const { generator, agent, stack } = linked;
      const [beside, elsewhere] = [await world.stack(generator), await world.applied()];
      const pakHash = world.hash();
      await store.generators.changePak(generator.id, { pakHash: pakHash, keepsFormer: false });

      const raised = await world.raised(agent, () => store.generators.remove(generator.id));

      assert.equal(raised, 1);
      assert.equal(await store.keys.find(pakHash), undefined);
      assert.equal((await store.generators.add({ name: generator.name, pakHash })).name, generator.name);
      assert.deepEqual((await world.poll(agent)).map(({ stackId, state }) => [stackId, state]), [
        [stack.id, "terminating"],
      ]);
      assert.deepEqual([await world.state(linked), await world.state(elsewhere)], ["terminating", "applied"]);
      for (const gone of [stack, beside]) {
        await assert.rejects(store.stacks.get(gone.id), { code: "stack_not_found" });
        assert.equal(
          (await store.stacks.add({ name: gone.name, generatorId: elsewhere.generator.id })).name,
          gone.name,
        );
      }
      const calls = [
        () => store.generators.get(generator.id),
        () => store.generators.change(generator.id, { name: "x" }),
        () => store.generators.remove(generator.id),
        () => store.generators.changePak(generator.id, { pakHash: world.hash(), keepsFormer: false }),
      ];
      for (const call of calls) await assert.rejects(call, { code: "generator_not_found" });
    },
  },
  {
    claim: "a removed generator's stacks are settled, more of them than one request does itself",
    async run(world) {
      const { store } = world;
      const generator = await world.generator();
      const agent = await world.agent(generator);
      const stacks = await Promise.all(Array.from({ length: 30 }, () => world.stack(generator)));
      for (const stack of stacks) {
        await store.targets.add(agent.id, stack.id);
        await world.submit(stack);
      }
      await world.poll(agent);

      await store.generators.remove(generator.id);
      while (await store.settling.settleNext());

      const states = (await world.poll(agent)).map(({ state }) => state);
      assert.deepEqual(states, Array(30).fill("terminating"));
    },
  },
  {
    claim: "the database itself refuses to delete the system generator",
    async run({ store }) {
      const system = (await store.generators.list()).items.find(({ isSystem }) => isSystem);

      await assert.rejects(store.generators.remove(system?.id ?? ""), { code: "check_violation" });
    },
  },
  {
    claim: "generators.markActive() writes at most once a minute",
    async run(world) {
      const { generators } = world.store;
      const { id } = await world.generator();

      await generators.markActive(id);
      const first = (await generators.get(id)).lastActiveAt;
      await generators.markActive(id);

      assert.ok(first);
      assert.deepEqual((await generators.get(id)).lastActiveAt, first);
    },
  },
  {
    claim: "keys.listOwners() lists living agents and generators, page after page, and none without a key",
    async run(world) {
      const { keys, generators, agents } = world.store;
      const [gone, agent, generator] = [await world.agent(), await world.agent(), await world.generator()];
      await agents.remove(gone.id);

      const whole = await keys.listOwners({ limit: 1000 });
      const first = await keys.listOwners({ limit: 1 });
      const second = await keys.listOwners({ limit: 1, cursor: first.next ?? "" });

      const own = whole.items.filter(({ id }) => [gone.id, agent.id, generator.id].includes(id));
      assert.deepEqual(own, [agent, generator].map(({ id, name }) => ({ id, name })));
      const system = (await generators.list()).items.find(({ isSystem }) => isSystem);
      assert.equal(whole.items.some(({ id }) => id === system?.id), false);
      assert.deepEqual([...first.items, ...second.items], whole.items.slice(0, 2));
    },
  },
  {
    claim: "keys.find() tells whose a hash is: an agent's, a generator's or the admin's, or nobody's",
    async run(world) {
      const { store } = world;
      const hashes = { agent: world.hash(), generator: world.hash(), admin: world.hash() };
      const [agent, generator] = [await world.agent(), await world.generator()];
      await store.agents.changePak(agent.id, { pakHash: hashes.agent, keepsFormer: false });
      await store.generators.changePak(generator.id, { pakHash: hashes.generator, keepsFormer: false });
      await store.adminRole.addIfNone(world.hash());
      await store.adminRole.changePak({ pakHash: hashes.admin, keepsFormer: false });

      const found = { caller: { role: "agent", id: agent.id }, pakHash: hashes.agent, isActive: true };
      assert.deepEqual(await store.keys.find(hashes.agent), found);
      assert.deepEqual((await store.keys.find(hashes.generator))?.caller, { role: "generator", id: generator.id });
      assert.equal((await store.keys.find(hashes.admin))?.caller.role, "admin");
      assert.equal(await store.keys.find(world.hash()), undefined);
      await store.generators.change(generator.id, { name: world.name("g"), isActive: false });
      assert.equal((await store.keys.find(hashes.generator))?.isActive, false);
    },
  },
  {
    claim:
      "adminRole.changePak({ pakHash: , keepsFormer: false }) stores the first key where there is none, and one only",
    async run(world) {
      const { adminRole, keys } = world.store;
      const [first, second] = [world.hash(), world.hash()];

      await adminRole.changePak({ pakHash: first, keepsFormer: false });
      assert.equal((await keys.find(first))?.caller.role, "admin");
      await adminRole.changePak({ pakHash: second, keepsFormer: false });

      assert.equal(await keys.find(first), undefined);
      assert.equal((await keys.find(second))?.caller.role, "admin");
    },
  },
  {
    claim: "adminRole.addIfNone() stores one key and no second",
    async run(world) {
      const { adminRole, keys } = world.store;
      await adminRole.addIfNone(world.hash());
      const second = world.hash();

      assert.equal(await adminRole.addIfNone(second), false);
      assert.equal(await adminRole.exists(), true);
      assert.equal(await keys.find(second), undefined);
    },
  },
];
