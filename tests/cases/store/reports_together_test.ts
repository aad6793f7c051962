import assert from "node:assert/strict";
import type { Database } from "$lib/database.ts";
import type { Report } from "../../../broker/domain/delivery.ts";
import { postgresDatabase } from "../../fakes/databases.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { testWith } from "../../run/parts.ts";
import { type Linked, StoreWorld } from "./store_world.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

testWith(
  "postgres",
  "reports of many agents that arrive together are a few transactions, and what is wrong with one is no matter of others",
  async () => {
    const statements = recordedStatements();
    await using postgres = await postgresDatabase({ metrics: statements.metrics });
    const world = new StoreWorld(postgres.database);
    const all = await Promise.all(Array.from({ length: 20 }, () => world.linked()));
    for (const { stack } of all) await world.submit(stack);
    const [bad, unlinked, unknown, ...good] = all;
    assert.ok(bad && unlinked && unknown);
    const other = await world.stack();
    const otherObject = await world.submit(other);
    statements.forget();

    const outcomes = await Promise.allSettled([
      ...good.map((linked) => world.report(linked, { state: "applied", bootId: crypto.randomUUID(), seq: 1 })),
      world.report(bad, { state: "applied", objectId: NOBODY }),
      world.report({ agent: unlinked.agent, stack: other }, { state: "applied", objectId: otherObject.id }),
      world.report({ agent: { ...unknown.agent, id: NOBODY }, stack: unknown.stack }, { state: "applied" }),
    ]);

    const codes = outcomes.map((one) => one.status === "fulfilled" ? "taken" : one.reason.code);
    assert.deepEqual(codes.slice(good.length), [
      "deployment_object_not_found",
      "agent_not_associated",
      "agent_not_found",
    ]);
    assert.deepEqual(new Set(codes.slice(0, good.length)), new Set(["taken"]));
    assert.ok(
      statements.counts().insert <= 2 && statements.transactions().length <= 6,
      JSON.stringify(statements.counts()),
    );
    for (const linked of good) assert.deepEqual(await shownOf(world, linked), ["applied", ["SUCCESS"]]);
    for (const linked of [bad, unlinked, unknown]) assert.deepEqual(await shownOf(world, linked), ["pending", []]);
  },
);

testWith("postgres", "a report that the database refuses fails alone, whatever came with it", async () => {
  await using postgres = await postgresDatabase();
  const world = new StoreWorld(postgres.database);
  const all = await Promise.all(Array.from({ length: 3 }, () => world.applied()));

  const outcomes = await Promise.allSettled(
    all.map((linked, index) => world.report(linked, { state: "failed", attempts: index === 1 ? 3_000_000_000 : 5 })),
  );

  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(await Promise.all(all.map((linked) => world.state(linked))), ["failed", "applied", "failed"]);
});

testWith(
  "postgres",
  "a report waits for whoever holds its agent, later ones of the agent wait for it, and no other agent's does",
  async () => {
    await using postgres = await postgresDatabase();
    const world = new StoreWorld(postgres.database);
    const [held, free] = [await world.applied(), await world.applied()];
    const letGo = await hold(postgres.database, held.agent.id);

    const said: string[] = [];
    const saying = (["failed", "blocked", "applied"] as const).map((state) =>
      world.report(held, { state, message: state }).then(() => said.push(state))
    );
    for (let turn = 0; turn < 3; turn += 1) await world.report(free, { state: "failed" });
    const before = [...said, await world.state(held)];
    await letGo();
    await Promise.all(saying);

    assert.deepEqual(before, ["applied"]);
    assert.deepEqual(said, ["failed", "blocked", "applied"]);
    assert.deepEqual(await shownOf(world, held), ["applied", ["SUCCESS", "FAILURE", "FAILURE", "SUCCESS"]]);
  },
);

testWith(
  "postgres",
  "reports of one agent at once, some of them twice and some overtaken, come to what they come to one by one",
  async () => {
    await using postgres = await postgresDatabase();
    const world = new StoreWorld(postgres.database);
    const [together, single] = [await world.applied(), await world.applied()];
    const bootId = crypto.randomUUID();
    const reports = [3, 1, 2, 3, 5, 4, 5].map((seq): Pick<Report, "state"> & Partial<Report> => ({
      ...{ bootId, seq },
      state: seq % 2 === 0 ? "failed" : "blocked",
      message: `number ${seq}`,
    }));

    const atOnce = await Promise.all(reports.map((report) => world.report(together, report)));
    const oneByOne = [];
    for (const report of reports) oneByOne.push(await world.report(single, report));

    const shape = (outcomes: typeof atOnce) =>
      outcomes.map(({ event, change }) => [event?.message, change?.after.message]);
    assert.deepEqual(shape(atOnce), shape(oneByOne));
    assert.deepEqual(await shownOf(world, together), await shownOf(world, single));
    assert.equal((await world.delivery(together))?.attempts, (await world.delivery(single))?.attempts);
  },
);

/** The state of a delivery, and how the agent's events ended, the newest first. */
async function shownOf(world: StoreWorld, linked: Linked): Promise<readonly unknown[]> {
  const { items } = await world.store.events.list({ agentId: linked.agent.id });
  return [await world.state(linked), items.map(({ status }) => status)];
}

/** Holds an agent as the settler does, until what it returns is called. */
async function hold(database: Database, agentId: string): Promise<() => Promise<void>> {
  const [end, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = database.transaction(async (tx) => {
    await tx`select id from agents where id = ${agentId} for no key update`;
    held.resolve();
    await end.promise;
  });
  await held.promise;
  return () => {
    end.resolve();
    return holding;
  };
}
