import assert from "node:assert/strict";
import type { HealthStatus } from "$lib/wire/event.ts";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { GridFilter } from "../../../broker/domain/fleet_grid.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import { LIMITS, type StoreCase, type StoreWorld } from "./store_world.ts";

/** Agents by stacks: groups, and parts of the grid. */
export const fleetGridCases: readonly StoreCase[] = [
  {
    claim: "agents are grouped by the worst of their deliveries, and nothing that a silent one reported is believed",
    async run(world) {
      const fleet = await fleetOf(world, ["healthy", "progressing", "degraded", "unknown", "healthy"]);
      const [well, moving, bad, unknown, silent] = fleet.agents;
      await world.database.sql`
        update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${LIMITS.lateAfterSeconds})
        where agent_id = ${silent?.id ?? ""}`;

      const groups = await world.store.fleetGrid.groups(choiceOf(fleet));

      assert.deepEqual(groups.map(({ key, ...counts }) => [key, ...Object.values(counts)]), [
        ["trouble", 1, 0, 0, 0, 1, 0, 1],
        ["healthy", 1, 0, 1, 0, 0, 0, 0],
        ["progressing", 1, 0, 0, 1, 0, 0, 0],
        ["silent", 1, 1, 0, 0, 0, 1, 0],
        ["unknown", 1, 0, 0, 0, 0, 1, 0],
      ]);
      assert.deepEqual((await world.store.fleetGrid.part(choiceOf(fleet), {})).groups, groups);
      const expected = { trouble: bad, healthy: well, progressing: moving, silent, unknown };
      for (const [key, agent] of Object.entries(expected)) {
        const { agents } = await world.store.fleetGrid.part(choiceOf(fleet), { group: { key } });
        assert.deepEqual(agents.items.map(({ id }) => id), [agent?.id], key);
      }
    },
  },
  {
    claim: "agents are grouped by an annotation's value, those without it apart",
    async run(world) {
      const fleet = await fleetOf(world, ["healthy", "degraded", "healthy"]);
      const key = world.name("region").slice(0, 60);
      for (const [index, value] of ["north", "north"].entries()) {
        await world.store.agentTags.addAnnotation(fleet.agents[index]?.id ?? "", { key, value });
      }
      const choice = { ...choiceOf(fleet), groupBy: key };

      const groups = await world.store.fleetGrid.groups(choice);
      const without = await world.store.fleetGrid.part(choice, { group: { key: undefined } });

      assert.deepEqual(groups.map(({ key, agents, troubled }) => [key, agents, troubled]), [
        ["north", 2, 1],
        [undefined, 1, 0],
      ]);
      assert.deepEqual(without.agents.items.map(({ id }) => id), [fleet.agents[2]?.id]);
    },
  },
  {
    claim: "filters leave what fits, of a generator's stacks or an agent's, by names, state, health and connectivity",
    async run(world) {
      const fleet = await fleetOf(world, ["healthy", "degraded"]);
      const [one, other] = fleet.agents;
      const stranger = await world.applied();
      const shown = async (filter: GridFilter) => {
        const { agents, stacks, cells } = await world.store.fleetGrid.part({ ...choiceOf(fleet), filter }, {});
        return [agents.items.length, stacks.items.length, cells.length];
      };
      const generatorId = fleet.stack.generatorId;

      assert.deepEqual(await shown({ generatorId }), [2, 1, 2]);
      assert.deepEqual(await shown({ agentId: one?.id }), [1, 1, 1]);
      assert.deepEqual(await shown({ generatorId, agentId: stranger.agent.id }), [0, 0, 0]);
      assert.deepEqual(await shown({ stack: fleet.stack.name.toUpperCase() }), [2, 1, 2]);
      assert.deepEqual(await shown({ agent: other?.name.toUpperCase() }), [1, 1, 1]);
      assert.deepEqual(await shown({ generatorId, health: "degraded" }), [1, 1, 1]);
      assert.deepEqual(await shown({ generatorId, state: "failed" }), [0, 0, 0]);
      assert.deepEqual(await shown({ generatorId, connectivity: "lost" }), [0, 0, 0]);
      assert.deepEqual(await shown({ stack: "no\\such%_'stack" }), [0, 0, 0]);
    },
  },
  {
    claim: "a grid comes in parts of 50 agents by 20 stacks, by name, each once",
    async run(world) {
      const generator = await world.generator();
      const stacks = await Promise.all(Array.from({ length: 21 }, () => world.stack(generator)));
      const agents = await Promise.all(Array.from({ length: 51 }, () => world.agent(generator)));
      for (const stack of stacks) await world.store.stackTags.addLabel(stack.id, generator.id);
      for (const agent of agents) await world.store.agentTags.addLabel(agent.id, generator.id);
      for (const stack of stacks) await world.submit(stack);
      while (await world.store.settling.settleNext());
      const choice = { filter: { generatorId: generator.id }, limits: LIMITS, groupBy: undefined };

      const first = await world.store.fleetGrid.part(choice, {});
      const last = await world.store.fleetGrid.part(choice, {
        agentsAfter: first.agents.next,
        stacksAfter: first.stacks.next,
      });

      assert.deepEqual(
        [first, last].map((part) => [part.agents.items.length, part.stacks.items.length, part.cells.length]),
        [
          [50, 20, 1_000],
          [1, 1, 1],
        ],
      );
      assert.deepEqual([last.agents.next, last.stacks.next], [undefined, undefined]);
      const names = [...first.agents.items, ...last.agents.items].map(({ name }) => name);
      assert.deepEqual(names, agents.map(({ name }) => name).toSorted());
    },
  },
];

interface Fleet {
  readonly agents: readonly Agent[];
  readonly stack: Stack;
}

/** An agent of each health, all with one stack. */
async function fleetOf(world: StoreWorld, healths: readonly HealthStatus[]): Promise<Fleet> {
  const generator = await world.generator();
  const stack = await world.stack(generator);
  const agents: Agent[] = [];
  for (const _ of healths) agents.push(await world.agent(generator));
  for (const agent of agents) await world.store.targets.add(agent.id, stack.id);
  await world.submit(stack);
  while (await world.store.settling.settleNext());
  for (const [index, agent] of agents.entries()) {
    const status = healths[index] ?? "unknown";
    await world.store.agents.heartbeat(agent.id, {});
    await world.poll(agent);
    await world.report({ agent, stack }, { state: "applied", health: { status, at: new Date() } });
  }
  return { agents, stack };
}

function choiceOf({ stack }: Fleet) {
  return { filter: { generatorId: stack.generatorId }, limits: LIMITS, groupBy: undefined };
}
