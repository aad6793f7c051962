import assert from "node:assert/strict";
import { headOf, type StoreCase } from "./store_world.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

/** What the tables `stacks` and `deployment_objects` must do. */
export const stacksCases: readonly StoreCase[] = [
  {
    claim: "stacks.add() refuses an unknown generator and a taken name; removing a stack frees its name",
    async run(world) {
      const { stacks } = world.store;
      const stack = await world.stack();
      const same = () => stacks.add({ name: stack.name, generatorId: stack.generatorId });

      await assert.rejects(stacks.add({ name: "x", generatorId: NOBODY }), { code: "invalid_generator_id" });
      await assert.rejects(same(), { code: "unique_violation", details: { constraint: "stacks_name_key" } });
      await stacks.remove(stack.id);

      assert.notEqual((await same()).id, stack.id);
    },
  },
  {
    claim: "stacks.change() renames, and raises the revision of the agents that have it and of no other",
    async run(world) {
      const { agent, stack } = await world.linked();
      const stranger = await world.agent();
      const name = world.name("renamed");

      const raised = await world.raised(
        agent,
        () => world.store.stacks.change(stack.id, { name, description: "new" }),
      );

      assert.equal(raised, 1);
      assert.equal((await world.poll(agent))[0]?.name, name);
      assert.equal((await world.store.stacks.get(stack.id)).description, "new");
      assert.equal(await world.revision(stranger), 1);
      const again = () => world.store.stacks.change(stack.id, { name, description: "newer" });
      assert.equal(await world.raised(agent, again), 0);
    },
  },
  {
    claim: "a removed stack is stack_not_found, with its objects",
    async run(world) {
      const { store } = world;
      const stack = await world.stack();
      const object = await world.submit(stack);
      await store.stacks.remove(stack.id);

      const calls = [
        () => store.stacks.get(stack.id),
        () => store.stacks.change(stack.id, { name: "x" }),
        () => store.stacks.remove(stack.id),
        () => store.objects.list(stack.id),
        () => world.submit(stack),
      ];
      for (const call of calls) await assert.rejects(call, { code: "stack_not_found" });
      await assert.rejects(store.objects.get(object.id), { code: "deployment_object_not_found" });
    },
  },
  {
    claim: "stacks.list() can be one generator's, or the one of a name",
    async run(world) {
      const [stack] = [await world.stack(), await world.stack()];
      const { stacks } = world.store;

      const lists = await Promise.all([
        stacks.list({ generatorId: stack.generatorId }),
        stacks.list({ name: stack.name }),
        stacks.list({ name: stack.name, generatorId: (await world.generator()).id }),
      ]);

      assert.deepEqual(lists.map(({ items }) => items), [[stack], [stack], []]);
    },
  },
  {
    claim: "objects.submit() numbers submissions across stacks, and list() shows the newest first, a page at a time",
    async run(world) {
      const { objects } = world.store;
      const [stack, other] = [await world.stack(), await world.stack()];
      const [first, between, second] = [
        await world.submit(stack),
        await world.submit(other),
        await world.submit(stack),
      ];

      assert.ok(first.sequenceId < between.sequenceId && between.sequenceId < second.sequenceId);
      const page = await objects.list(stack.id, { limit: 1 });
      assert.deepEqual(page.items, [headOf(second)]);
      assert.deepEqual([...await objects.bodies([first.id, NOBODY])], [[first.id, first.yamlContent]]);
      assert.deepEqual(await objects.list(stack.id, { limit: 1, cursor: page.next }), { items: [headOf(first)] });
      assert.deepEqual((await objects.get(first.id)).head, headOf(first));
    },
  },
  {
    claim: "objects.list() ends a page before its bundles have more than 16 MiB, and gives each, however large",
    async run(world) {
      const { objects } = world.store;
      const stack = await world.stack();
      for (let count = 0; count < 4; count += 1) await world.submit(stack);
      const grow = (bytes: number) =>
        world.database.sql`
          update deployment_objects set yaml_content = repeat('x', ${bytes}::int) where stack_id = ${stack.id}`;
      const sizes = async () => {
        const all: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await objects.list(stack.id, { limit: 3, cursor });
          all.push(page.items.length);
          cursor = page.next;
        } while (cursor !== undefined);
        return all;
      };

      const small = await sizes();
      await grow(6 * 1024 * 1024);
      const large = await sizes();
      await grow(17 * 1024 * 1024);

      assert.deepEqual([small, large, await sizes()], [[3, 1], [2, 2], [1, 1, 1, 1]]);
    },
  },
  {
    claim: "who asks for what comes after a page, and for no limit, gets a hundred",
    async run(world) {
      const { stacks } = world.store;
      const generator = await world.generator();
      for (let count = 0; count < 102; count += 1) await world.stack(generator);
      const filter = { generatorId: generator.id };
      const { next: cursor } = await stacks.list(filter, { limit: 1 });

      const page = await stacks.list(filter, { cursor });

      assert.equal(page.items.length, 100);
      assert.equal((await stacks.list(filter, { cursor: page.next })).items.length, 1);
    },
  },
  {
    claim: "lists come whole, or in pages that miss and repeat nothing; a made-up cursor is refused",
    async run(world) {
      const { stacks } = world.store;
      const generator = await world.generator();
      for (let count = 0; count < 5; count += 1) await world.stack(generator);
      const filter = { generatorId: generator.id };

      const whole = (await stacks.list(filter)).items;
      const paged = [];
      let cursor: string | undefined;
      do {
        const page = await stacks.list(filter, { limit: 2, cursor });
        assert.ok(page.items.length <= 2);
        paged.push(...page.items);
        cursor = page.next;
      } while (cursor !== undefined);

      assert.equal(whole.length, 5);
      assert.deepEqual(paged, whole);
      for (const made of ["x", btoa("2026|x"), btoa(`2026-99-99T00:00:00Z|${NOBODY}`)]) {
        await assert.rejects(stacks.list(filter, { cursor: made }), { code: "invalid_parameters" });
      }
    },
  },
];
