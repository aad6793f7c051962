import assert from "node:assert/strict";
import { postgresDatabase } from "../../fakes/databases.ts";
import { testWith } from "../../run/parts.ts";
import { StoreWorld } from "./store_world.ts";

testWith(
  "postgres",
  "whoever changes what somebody else holds for long is refused, and keeps no connection",
  async () => {
    await using postgres = await postgresDatabase({ poolSize: 3 * 8 + 1 });
    const world = new StoreWorld(postgres.database);
    const { agents, generators, stacks } = world.store;
    const [agent, generator] = [await world.agent(), await world.generator()];
    const held = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    const holding = postgres.database.transaction(async (tx) => {
      await tx`select id from agents where id = ${agent.id} for update`;
      await tx`select id from generators where id = ${generator.id} for update`;
      held.resolve();
      await letGo.promise;
    });
    await held.promise;
    const key = () => ({ pakHash: world.hash(), keepsFormer: false });
    const changes = [
      () => agents.change(agent.id, { status: "ACTIVE" }),
      () => agents.changePak(agent.id, key()),
      () => agents.remove(agent.id),
      () => agents.approvePrune(agent.id, { revision: 1, stackId: undefined }),
      () => generators.change(generator.id, { name: "g", description: undefined, isActive: true }),
      () => generators.changePak(generator.id, key()),
      () => stacks.add({ name: "s", generatorId: generator.id }),
    ];

    const refused = await Promise.all(changes.map((change) => change().catch((error) => error)));
    letGo.resolve();
    await holding;

    assert.deepEqual(
      refused.map(({ code, message }) => [code, /55P03/.test(message)]),
      changes.map(() => ["unavailable", true]),
    );
  },
);
