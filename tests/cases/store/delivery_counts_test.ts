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

testWith("postgres", "deliveries that come or go in one statement are counted once for each agent", async () => {
  await using postgres = await postgresDatabase();
  const { sql } = postgres.database;
  const world = new StoreWorld(postgres.database);
  const { agent } = await world.applied();
  await sql`
    insert into stacks (name, generator_id)
    select 'many-' || n, generator_id from generate_series(1, 500) n, stacks limit 500`;
  const [before, come, gone] = await postgres.database.transaction(async (tx) => {
    const written = async () => {
      const [row] = await tx<{ written: number }>`
        select (n_tup_ins + n_tup_upd)::integer as written
        from pg_stat_xact_user_tables where relname = 'agent_delivery_counts'`;
      return row?.written ?? Number.NaN;
    };
    const before = await written();
    await tx`
      insert into deliveries (agent_id, stack_id, desired_object_id)
      select ${agent.id}, stacks.id, deployment_objects.id from stacks, deployment_objects where name like 'many-%'`;
    const come = await written();
    await tx`delete from deliveries where stack_id in (select id from stacks where name like 'many-%')`;
    return [before, come, await written()] as const;
  });

  assert.deepEqual([come - before, gone - come], [1, 1]);
  await assertCounted(sql, "come and gone");
});

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
