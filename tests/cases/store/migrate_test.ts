import assert from "node:assert/strict";
import type { LogFields } from "$lib/log.ts";
import { VERSION } from "$lib/program/version.ts";
import { embeddedDatabase, rolledBack } from "../../fakes/databases.ts";
import { buildWorld } from "../../fakes/api_world.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { assertCounted } from "./delivery_counts.ts";
import { openStore } from "../../../broker/store/open.ts";
import { isSchemaUsable, migrate } from "../../../broker/store/migrate.ts";
import { MIGRATIONS } from "../../../broker/store/migrations/mod.ts";
import { StoreWorld } from "./store_world.ts";

const PUBLIC = { schema: "public" };

Deno.test("migrate() makes the schema it is given, once", async () => {
  await using embedded = await embeddedDatabase({ isMigrated: false, schema: 'odd "name' });
  const { database } = embedded;
  const options = { schema: 'odd "name' };
  assert.equal(await isSchemaUsable(database.sql), false);

  assert.equal(await migrate(database, options), MIGRATIONS.length);
  assert.equal(await migrate(database, options), 0);
  assert.equal(await isSchemaUsable(database.sql), true);

  const [app] = await database.sql<{ count: number }>`select count(*) as count from "odd ""name".app`;
  assert.equal(app?.count, 1);
});

Deno.test("migrate() leaves `migrations` as 0.10.0 wants it, and records what came after in `schema_steps`", async () => {
  await using embedded = await embeddedDatabase();
  const { sql } = embedded.database;

  const first = await sql<{ number: number }>`select number from migrations order by number`;
  const later = await sql<{ number: number }>`select number from schema_steps order by number`;

  assert.deepEqual(first.map(({ number }) => number), [1, 2, 3]);
  assert.deepEqual(later.map(({ number }) => number), MIGRATIONS.map(({ number }) => number).slice(3));
});

Deno.test("a database is refused for a step that wants a newer program, and for no other", async () => {
  await using embedded = await embeddedDatabase();
  const { database } = embedded;
  const verdicts: Record<string, boolean> = {};

  for (const oldest of ["0.2.99", "0.9.12", VERSION, "0.100.0", "1.0.0"]) {
    await rolledBack(database, async (tx) => {
      await tx`insert into schema_steps (number, name, oldest_program) values (99, 'from the future', ${oldest})`;
      verdicts[oldest] = await isSchemaUsable(tx);
    });
  }
  await database.sql`insert into schema_steps (number, name, oldest_program) values (99, 'grand', '0.100.0')`;

  assert.deepEqual(verdicts, { "0.2.99": true, "0.9.12": true, [VERSION]: true, "0.100.0": false, "1.0.0": false });
  await assert.rejects(migrate(database, PUBLIC), {
    code: "invalid_settings",
    message: /step 99 "grand" needs a broker of 0\.100\.0 or later, this is /,
  });
});

Deno.test("a database whose `migrations` has a step of nobody's is refused", async () => {
  await using embedded = await embeddedDatabase();
  const { database } = embedded;

  await database.sql`insert into migrations (number, name) values (4, 'of whom')`;

  assert.equal(await isSchemaUsable(database.sql), false);
  await assert.rejects(migrate(database, PUBLIC), { code: "invalid_settings", message: /step 4 "of whom"/ });
});

Deno.test("MIGRATIONS are numbered from 1 without a gap", () => {
  assert.deepEqual(MIGRATIONS.map(({ number }) => number), MIGRATIONS.map((_, index) => index + 1));
});

Deno.test("migrate() removes the labels that nobody could remove, says which, and settles what they associated", async () => {
  await using embedded = await embeddedDatabase();
  const { database } = embedded;
  const store = openStore(database);
  const world = await buildWorld(store);
  const warned: (LogFields | undefined)[] = [];
  const log = { ...silentLog(), warn: (_: string, fields?: LogFields) => warned.push(fields) };
  const { otherAgentId: agentId, stackId, generatorId } = world;
  await store.registrations.add(agentId, generatorId);
  for (const label of [".", "...", "kept"]) await store.stackTags.addLabel(stackId, label);
  for (const label of [".", "..", "other"]) await store.agentTags.addLabel(agentId, label);
  const stacks = async () => (await store.snapshots.read(agentId, { isOwn: false })).stacks.map((it) => it.stackId);
  assert.deepEqual(await stacks(), [stackId]);
  await database.sql`delete from schema_steps where name = 'dot_labels'`;

  assert.equal(await migrate(database, { ...PUBLIC, log }), 1);
  while (await store.settling.settleNext());

  assert.deepEqual(warned, [{
    step: "dot_labels",
    removed: [
      { stack_id: stackId, label: "." },
      { agent_id: agentId, label: "." },
      { agent_id: agentId, label: ".." },
    ],
  }]);
  assert.deepEqual(await stacks(), []);
  assert.deepEqual((await store.stackTags.listLabels(stackId)).items.map(({ label }) => label), [
    "blue",
    "...",
    "kept",
  ]);
});

Deno.test("migrate() counts the deliveries that are there, and those that come are counted with them", async () => {
  await using embedded = await embeddedDatabase();
  const { database } = embedded;
  const world = new StoreWorld(database);
  const [one, other] = [await world.applied(), await world.applied()];
  await database.sql`drop table agent_delivery_counts`;
  await database.sql`drop function count_delivery cascade`;
  await database.sql`drop function count_deliveries cascade`;
  await database.sql`drop index deliveries_removed_idx`;
  await database.sql`create index deliveries_state_idx on deliveries (state)`;
  await database.sql`drop index deliveries_condition_idx`;
  await database.sql`
    alter table deliveries drop column healthy_at, drop column objects_healthy, drop column objects_progressing,
      drop column objects_degraded, drop column objects_unknown`;
  await database.sql`
    delete from schema_steps where name in ('agent_delivery_counts', 'delivery_health', 'counted_together')`;

  assert.equal(await migrate(database, PUBLIC), 3);
  await assertCounted(database.sql, "migrated");
  await world.store.targets.remove(one.agent.id, one.stack.id);
  await world.submit(other.stack);

  await assertCounted(database.sql, "changed");
  const { deliveries } = await world.store.gauges.read({ lateAfterSeconds: 30, lostAfterSeconds: 60 });
  assert.deepEqual([deliveries.applied, deliveries.terminating, deliveries.pending], [0, 1, 1]);
});
