import assert from "node:assert/strict";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** Who gets what: the tables `agent_targets`, `agent_labels`, `stack_labels`, `…_annotations` and the registrations. */
export const associationsCases: readonly StoreCase[] = [
  {
    claim: "targets.add() asks for the registration, links once, and delivers",
    async run(world) {
      const { targets } = world.store;
      const generator = await world.generator();
      const [stranger, agent, stack] = [
        await world.agent(),
        await world.agent(generator),
        await world.stack(generator),
      ];
      await world.submit(stack);

      await assert.rejects(targets.add(stranger.id, stack.id), { code: "agent_not_registered" });
      const raised = await world.raised(agent, () => targets.add(agent.id, stack.id));

      assert.equal(raised, 1);
      assert.deepEqual((await targets.list(agent.id)).items.map(({ stackId }) => stackId), [stack.id]);
      await assert.rejects(targets.add(agent.id, stack.id), { code: "unique_violation" });
      await assert.rejects(targets.add(agent.id, stranger.id), { code: "stack_not_found" });
      assert.equal(await world.state({ agent, stack }), "pending");
    },
  },
  {
    claim: "targets.remove() ends the association, and says agent_target_not_found the second time",
    async run(world) {
      const { agent, stack } = await world.linked();

      const raised = await world.raised(agent, () => world.store.targets.remove(agent.id, stack.id));

      assert.equal(raised, 1);
      assert.deepEqual(await world.poll(agent), []);
      await assert.rejects(world.store.targets.remove(agent.id, stack.id), { code: "agent_target_not_found" });
    },
  },
  leg("a shared label", {
    tagAgent: ({ store }, agent) => store.agentTags.addLabel(agent.id, "shared"),
    tagStack: ({ store }, stack) => store.stackTags.addLabel(stack.id, "shared"),
    untagAgent: ({ store }, agent) => store.agentTags.removeLabel(agent.id, "shared"),
    untagStack: ({ store }, stack) => store.stackTags.removeLabel(stack.id, "shared"),
  }),
  leg("a shared annotation", {
    tagAgent: ({ store }, agent) => store.agentTags.addAnnotation(agent.id, { key: "tier", value: "front" }),
    tagStack: ({ store }, stack) => store.stackTags.addAnnotation(stack.id, { key: "tier", value: "front" }),
    untagAgent: ({ store }, agent) => store.agentTags.removeAnnotation(agent.id, "tier"),
    untagStack: ({ store }, stack) => store.stackTags.removeAnnotation(stack.id, "tier"),
  }),
  {
    claim: "an annotation with the same key and another value associates nobody",
    async run(world) {
      const generator = await world.generator();
      const [agent, stack] = [await world.agent(generator), await world.stack(generator)];
      await world.store.agentTags.addAnnotation(agent.id, { key: "zone", value: "a" });

      const raised = await world.raised(
        agent,
        () => world.store.stackTags.addAnnotation(stack.id, { key: "zone", value: "b" }),
      );

      assert.equal(raised, 0);
      assert.deepEqual(await world.poll(agent), []);
    },
  },
  {
    claim: "two reasons for one association are one: losing one of them changes nothing",
    async run(world) {
      const { agent, stack } = await world.linked();
      await world.submit(stack);
      await world.store.agentTags.addLabel(agent.id, "both");

      const raised = await world.raised(agent, async () => {
        await world.store.stackTags.addLabel(stack.id, "both");
        await world.store.targets.remove(agent.id, stack.id);
      });

      assert.equal(raised, 0);
      assert.equal((await world.poll(agent)).length, 1);
      assert.equal(await world.state({ agent, stack }), "pending");
    },
  },
  {
    claim: "labels and links count only for generators that the agent is registered with; links end with it",
    async run(world) {
      const { store } = world;
      const { generator, agent } = await world.linked();
      const labelled = await world.stack(generator);
      const label = world.name("l").slice(0, 60);
      await store.agentTags.addLabel(agent.id, label);
      await store.stackTags.addLabel(labelled.id, label);
      assert.equal((await world.poll(agent)).length, 2);

      const raised = await world.raised(agent, () => store.registrations.remove(agent.id, generator.id));

      assert.equal(raised, 1);
      assert.deepEqual(await world.poll(agent), []);
      await store.registrations.add(agent.id, generator.id);
      assert.deepEqual((await world.poll(agent)).map(({ stackId }) => stackId), [labelled.id]);
    },
  },
  {
    claim: "labels of the system generator's stacks reach every agent",
    async run(world) {
      const { store } = world;
      const system = (await store.generators.list()).items.find(({ isSystem }) => isSystem);
      const [agent, stack] = [await world.agent(), await world.stack(system)];
      await store.agentTags.addLabel(agent.id, "everywhere");

      await store.stackTags.addLabel(stack.id, "everywhere");

      assert.deepEqual((await world.poll(agent)).map(({ stackId }) => stackId), [stack.id]);
    },
  },
  {
    claim: "registrations are made once, listed from both sides, and end once",
    async run(world) {
      const { store } = world;
      const [generator, agent] = [await world.generator(), await world.agent()];

      const registration = await store.registrations.add(agent.id, generator.id);

      await assert.rejects(store.registrations.add(agent.id, generator.id), { code: "already_registered" });
      await assert.rejects(store.registrations.add(agent.id, agent.id), { code: "generator_not_found" });
      assert.deepEqual((await store.registrations.listByGenerator(generator.id)).items, [registration]);
      assert.deepEqual((await store.agents.list({ generatorId: generator.id })).items.map(({ id }) => id), [agent.id]);
      await store.registrations.remove(agent.id, generator.id);
      assert.deepEqual((await store.registrations.listByGenerator(generator.id)).items, []);
      await assert.rejects(store.registrations.remove(agent.id, generator.id), { code: "agent_not_registered" });
    },
  },
  {
    claim: "a registration that ends takes the targets of that generator's stacks with it, and no other",
    async run(world) {
      const { registrations, targets } = world.store;
      const [left, stays] = [await world.generator(), await world.generator()];
      const [agent, other] = [await world.agent(left, stays), await world.agent(left)];
      const [gone, kept] = [await world.stack(left), await world.stack(stays)];
      for (const stack of [gone, kept]) {
        await targets.add(agent.id, stack.id);
        await world.submit(stack);
      }
      await targets.add(other.id, gone.id);
      await world.poll(agent);

      const raised = await world.raised(agent, () => registrations.remove(agent.id, left.id));
      await registrations.add(agent.id, left.id);

      const targeted = async ({ id }: { readonly id: string }) =>
        (await targets.list(id)).items.map(({ stackId }) => stackId);
      assert.deepEqual([await targeted(agent), await targeted(other)], [[kept.id], [gone.id]]);
      assert.deepEqual((await world.poll(agent)).map(({ stackId }) => stackId), [kept.id]);
      assert.equal(await world.state({ agent, stack: gone }), "terminating");
      assert.equal(raised, 1);
    },
  },
  {
    claim: "stacks.isAssociated() and listAssociated() say what the snapshot says",
    async run(world) {
      const { agent, stack, generator } = await world.linked();
      const other = await world.stack(generator);

      assert.equal(await world.store.stacks.isAssociated(agent.id, stack.id), true);
      assert.equal(await world.store.stacks.isAssociated(agent.id, other.id), false);
      assert.deepEqual((await world.store.stacks.listAssociated(agent.id)).items, [stack]);
    },
  },
  {
    claim: "objects.get() says whose an object is, and whether the agent is associated with it, settled or not",
    async run(world) {
      const { agent, stack, generator } = await world.linked();
      const [other, unsettled] = [await world.stack(generator), await world.linked()];
      const [own, others] = [await world.submit(stack), await world.submit(other)];
      const notYet = await world.submit(unsettled.stack);
      await world.database.sql`delete from deliveries where agent_id = ${unsettled.agent.id}`;
      const get = async (id: string, agentId?: string) => {
        const { head, stack, isAssociated } = await world.store.objects.get(id, agentId);
        return [head.id, stack.id, stack.generatorId, isAssociated];
      };

      const found = await Promise.all([get(own.id, agent.id), get(others.id, agent.id), get(own.id)]);
      const early = await get(notYet.id, unsettled.agent.id);
      await world.store.targets.remove(agent.id, stack.id);
      const ended = await get(own.id, agent.id);

      assert.deepEqual(found, [
        [own.id, stack.id, generator.id, true],
        [others.id, other.id, generator.id, false],
        [own.id, stack.id, generator.id, false],
      ]);
      assert.deepEqual([early.at(-1), ended.at(-1)], [true, false]);
      await assert.rejects(world.store.objects.get(agent.id, agent.id), { code: "deployment_object_not_found" });
    },
  },
];

interface Leg {
  tagAgent(world: StoreWorld, agent: Agent): Promise<unknown>;
  tagStack(world: StoreWorld, stack: Stack): Promise<unknown>;
  untagAgent(world: StoreWorld, agent: Agent): Promise<unknown>;
  untagStack(world: StoreWorld, stack: Stack): Promise<unknown>;
}

/** The same from both ends: whichever comes second associates, and whichever goes first ends it. */
function leg(what: string, { tagAgent, tagStack, untagAgent, untagStack }: Leg): StoreCase {
  return {
    claim: `${what} associates an agent with a registered generator's stack, whichever of them has it first`,
    async run(world) {
      const generator = await world.generator();
      const [agent, stack, stranger] = [
        await world.agent(generator),
        await world.stack(generator),
        await world.agent(),
      ];
      await world.submit(stack);
      await tagAgent(world, stranger);

      await tagAgent(world, agent);
      assert.equal(await world.raised(agent, () => tagStack(world, stack)), 1);
      assert.equal(await world.state({ agent, stack }), "pending");
      assert.equal(await world.raised(agent, () => untagAgent(world, agent)), 1);
      assert.equal(await world.state({ agent, stack }), undefined);
      assert.equal(await world.raised(agent, () => tagAgent(world, agent)), 1);
      assert.equal((await world.poll(agent)).length, 1);
      assert.equal(await world.raised(agent, () => untagStack(world, stack)), 1);

      assert.equal(await world.state({ agent, stack }), "terminating");
      assert.equal(await world.revision(stranger), 1);
      assert.deepEqual(await world.poll(stranger), []);
      await untagAgent(world, stranger);
      await untagAgent(world, agent);
    },
  };
}
