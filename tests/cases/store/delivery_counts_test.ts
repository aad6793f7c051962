import assert from "node:assert/strict";
import { isFailure } from "$lib/error.ts";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import { postgresDatabase } from "../../fakes/databases.ts";
import { testWith } from "../../run/parts.ts";
import { assertCounted } from "./delivery_counts.ts";
import { StoreWorld } from "./store_world.ts";

const ROUNDS = 40;

testWith("postgres", "deliveries are counted right, whatever is done to them at once", async () => {
  await using postgres = await postgresDatabase({ poolSize: 3 * 8 + 1 });
  const { sql } = postgres.database;
  const world = new StoreWorld(postgres.database);
  const { store } = world;
  const generator = await world.generator();
  const agents = await Promise.all(Array.from({ length: 8 }, () => world.agent(generator)));
  const stacks = await Promise.all(Array.from({ length: 4 }, () => world.stack(generator)));
  const all = (work: (agent: Agent, stack: Stack) => Promise<unknown>) => () =>
    Promise.all(agents.map((agent, index) => work(agent, inTurn(stacks, index))));

  const unexpected = await Promise.all([
    rounds(all((agent, stack) => store.targets.add(agent.id, stack.id))),
    rounds(all((agent, stack) => store.targets.remove(agent.id, stack.id))),
    rounds((round) => world.submit(inTurn(stacks, round), { isDeletionMarker: round % 3 === 0 })),
    rounds(all((agent) => world.poll(agent))),
    rounds(all((agent, stack) => world.report({ agent, stack }, { state: "applied" }))),
    rounds(all((agent, stack) => world.report({ agent, stack }, { state: "removed" }))),
    rounds(async () => {
      await sql`update deliveries set observed_at = now() - interval '2 days' where state = 'removed'`;
      await store.deliveries.purge(1_000);
    }),
  ]);
  await assertCounted(sql, "all at once");
  await Promise.all([
    ...agents.slice(4).map(({ id }) => store.agents.remove(id)),
    store.stacks.remove(inTurn(stacks, 0).id),
  ]);
  await assertCounted(sql, "some removed");

  assert.deepEqual(unexpected.flat(), []);
});

testWith(
  "postgres",
  "a purge of deliveries waits for nobody, and leaves those of agents that somebody holds",
  async () => {
    await using postgres = await postgresDatabase();
    const world = new StoreWorld(postgres.database);
    const [held, free] = [await world.applied(), await world.applied()];
    for (const { agent, stack } of [held, free]) await world.store.targets.remove(agent.id, stack.id);
    for (const each of [held, free]) await world.report(each, { state: "removed" });
    await postgres.database.sql`update deliveries set observed_at = now() - interval '2 days'`;

    const purged = await postgres.database.transaction(async (tx) => {
      await tx`select id from agents where id = ${held.agent.id} for no key update`;
      return await world.store.deliveries.purge(1_000);
    });

    assert.deepEqual([purged, await world.state(held), await world.state(free)], [1, "removed", undefined]);
  },
);

/** Does something again and again; returns what failed otherwise than by a refusal. */
async function rounds(work: (round: number) => Promise<unknown>): Promise<readonly unknown[]> {
  const unexpected: unknown[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await work(round).catch((error) => isFailure(error) && !isFailure(error, "unavailable") || unexpected.push(error));
  }
  return unexpected;
}

function inTurn<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("an empty list");
  return item;
}
