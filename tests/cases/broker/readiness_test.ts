import assert from "node:assert/strict";
import { ask, startedBroker } from "../../fakes/brokers.ts";
import { open, postgresDatabase } from "../../fakes/databases.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";

testWith("postgres", "/readyz is answered while a read of the gauges has no answer", async () => {
  await using postgres = await postgresDatabase();
  const { database } = postgres;
  const clock = new ManualClock(); // neither a probe nor a refresh is given up
  await using broker = await startedBroker({
    clock,
    openDatabase: (metrics) => open(postgres.address, { metrics }),
    env: { BROKKR__METRICS__REFRESH_INTERVAL: "1" },
  });
  const end = Promise.withResolvers<void>();
  const locked = database.transaction(async (tx) => {
    await tx`lock table agent_heartbeats in access exclusive mode`;
    await end.promise;
  });
  await waitFor(async () => {
    await clock.advance(1_000);
    return (await waiting()).length > 0 ? true : undefined;
  }, { what: "see the gauges wait" });

  const { status, body_text } = await ask(broker, "/readyz");
  const still = await waiting();
  end.resolve();
  await locked;

  assert.deepEqual([status, body_text, still.length], [200, "Ready", 1]);

  function waiting() {
    return database.sql`
      select pid from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database() and query ~ '^\\s*with agent as materialized'`;
  }
});
