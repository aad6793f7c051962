import assert from "node:assert/strict";
import type { ObjectResult } from "$lib/wire/event.ts";
import type { Health } from "../../../broker/domain/delivery.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

const AT = new Date("2026-01-01T00:00:00Z");
const LATER = new Date("2026-01-01T00:01:00Z");
const YIELDED = [{ kind: "Deployment", namespace: "shop", name: "web", path: ".spec.replicas", manager: "autoscaler" }];

/** What a report says of a delivery besides its state: health, results, and fields left to others. */
export const conditionsCases: readonly StoreCase[] = [
  {
    claim: "health, results, warnings and yielded fields are kept with the delivery",
    async run(world) {
      const linked = await world.applied();
      const health: Health = { status: "degraded", reason: "CrashLoopBackOff: web", at: AT };
      const results = [result("a", "unchanged"), result("b", "failed"), result("c", "configured", [".data.x"])];

      await world.report(linked, { state: "failed", health, results, yielded: YIELDED, warnings: ["left out"] });

      const delivery = await world.delivery(linked);
      assert.deepEqual([delivery?.health, delivery?.yielded], [health, YIELDED]);
      const [a, b, c] = results;
      assert.deepEqual(await resultsOf(world, linked), { objects: [b, c, a], omitted: 0, warnings: ["left out"] });
    },
  },
  {
    claim: "a report that changes health alone leaves no event, no notice and no change of anything else",
    async run(world) {
      const linked = await world.applied();
      const before = await world.delivery(linked);
      const events = () => world.store.events.list({ agentId: linked.agent.id });
      const known = await events();
      const health: Health = { status: "progressing", reason: "1 of 3 available", at: AT };

      const outcome = await world.report(linked, { state: "applied", health, results: [result("a", "unchanged")] });

      const after = await world.delivery(linked);
      assert.equal(outcome.event, undefined);
      assert.deepEqual(await events(), known);
      const objects = { healthy: 0, progressing: 0, degraded: 0, unknown: 1 };
      const { observedAt, desiredAt: unhealthySince } = after ?? {};
      assert.deepEqual(after, { ...before, health, unhealthySince, objects, observedAt });
      assert.ok(before && after && after.observedAt > before.observedAt);
      assert.equal((await resultsOf(world, linked))?.objects.length, 1);
    },
  },
  {
    claim:
      "the health of what was applied, heard when another object is desired already, is no event and changes nothing",
    async run(world) {
      const linked = await world.applied();
      const { desiredObjectId: objectId } = await world.delivery(linked) ?? {};
      const events = () => world.store.events.list({ agentId: linked.agent.id });
      const known = await events();
      await world.submit(linked.stack);
      const before = await world.delivery(linked);
      const late = { objectId, state: "applied", message: "1 created" } as const;
      const health: Health = { status: "healthy", at: AT };

      const outcome = await world.report(linked, { ...late, health, results: [result("a", "unchanged")] });

      assert.equal(outcome.event, undefined);
      assert.deepEqual(await events(), known);
      assert.notEqual(before?.desiredObjectId, objectId);
      assert.deepEqual(await world.delivery(linked), before);
      const written = await world.report(linked, { ...late, health, results: [result("a", "configured")] });
      assert.equal(written.event?.status, "SUCCESS");
    },
  },
  {
    claim: "the same failure said again with another health is no event, another try of it is one",
    async run(world) {
      const linked = await world.applied();
      const failed = {
        ...{ state: "failed", reason: "apply_failed", message: "quota", yielded: YIELDED } as const,
        results: [result("a", "failed")],
      };
      const health: Health = { status: "degraded", at: AT };
      await world.report(linked, { ...failed, attempts: 1 });

      const again = await world.report(linked, { ...failed, attempts: 1, health });
      const another = await world.report(linked, { ...failed, attempts: 2, health });

      assert.equal(again.event, undefined);
      assert.equal(again.change?.after.health?.status, "degraded");
      assert.equal(another.event?.status, "FAILURE");
    },
  },
  {
    claim: "a report of health that says anything else too is an event",
    async run(world) {
      const health: Health = { status: "healthy", at: AT };
      const others = [
        { state: "failed" },
        { state: "applied", reason: "else" },
        { state: "applied", message: "words" },
        { state: "applied", attempts: 3 },
        { state: "applied", yielded: YIELDED },
        { state: "applied", results: [result("a", "configured")] },
      ] as const;

      for (const other of others) {
        const { event } = await world.report(await world.applied(), { ...other, health });

        assert.ok(event, JSON.stringify(other));
      }
    },
  },
  {
    claim: "what a report leaves out stays; a health that was seen before the known one does not take its place",
    async run(world) {
      const linked = await world.applied();
      const health: Health = { status: "healthy", reason: undefined, at: LATER };
      await world.report(linked, { state: "applied", health, yielded: YIELDED, results: [result("a", "created")] });
      const results = await resultsOf(world, linked);

      await world.report(linked, { state: "applied", health: { status: "degraded", at: AT } });
      await world.report(linked, { state: "failed" });

      const delivery = await world.delivery(linked);
      assert.deepEqual([delivery?.health, delivery?.yielded], [health, YIELDED]);
      assert.deepEqual(await resultsOf(world, linked), results);
      await world.report(linked, { state: "failed", yielded: [] });
      assert.deepEqual((await world.delivery(linked))?.yielded, []);
    },
  },
  {
    claim: "results that are said again are not written again",
    async run(world) {
      const linked = await world.applied();
      const results = [result("a", "unchanged"), result("b", "unchanged")];
      await world.report(linked, { state: "applied", results });

      const [again, other] = await resultsWritten(world, linked, [results, results.slice(1)]);

      assert.deepEqual([again, other], [0, 1]);
    },
  },
];

/** How often each report of these results writes any, as a trigger of the table counts. */
async function resultsWritten(
  { database: { sql }, ...world }: StoreWorld,
  { agent, stack }: Linked,
  reports: readonly (readonly ObjectResult[])[],
): Promise<readonly number[]> {
  const counts: number[] = [];
  await sql`create table results_written (at timestamptz)`;
  await sql`
    create function note_results() returns trigger language plpgsql as
    $$ begin insert into results_written values (now()); return new; end $$`;
  await sql`
    create trigger note_results before update on deliveries for each row
    when (old.results is distinct from new.results) execute function note_results()`;
  for (const results of reports) {
    await sql`delete from results_written`;
    await world.store.deliveries.report({ agentId: agent.id, stackId: stack.id, state: "applied", results });
    counts.push((await sql`select at from results_written`).length);
  }
  await sql`drop table results_written`;
  await sql`drop function note_results cascade`;
  return counts;
}

function result(name: string, action: ObjectResult["action"], fields?: string[]): ObjectResult {
  return { kind: "ConfigMap", namespace: "shop", name, action, ...(fields === undefined ? {} : { fields }) };
}

function resultsOf(world: StoreWorld, { agent, stack }: Linked) {
  return world.store.deliveries.findResults(agent.id, stack.id);
}
