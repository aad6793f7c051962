import type { z } from "zod";
import { Stack } from "$lib/wire/stack.ts";
import type { PostgresServer } from "../../postgres/postgres_server.ts";
import { configMap } from "../../system/bundles.ts";
import type { World } from "../../system/world.ts";
import { addAgent, beatAll } from "./fleets.ts";
import { ask, beside, type PlayedScenario, postgresOf, recordWorld, type Scenario } from "../scenario.ts";

/** PostgreSQL is stopped, and started again. */
export const DATABASE_STOPPED: PlayedScenario = {
  name: "database_stopped",
  play: { title: "the database is away", pages: ["BrokkrDatabaseErrors"], tickets: ["BrokkrErrorBudgetLeaking"] },
  alerts: [
    "BrokkrHttpErrors",
    "BrokkrAgentRequestErrors",
    "BrokkrErrorBudgetBurning",
    "BrokkrErrorBudgetLeaking",
    "BrokkrDatabaseErrors",
    "BrokkrGaugesStale",
  ],
  record: recordWorld({ parts: ["postgres"] }, async (world, recorder) => {
    const agents = await Promise.all(["one", "two", "three"].map((name) => addAgent(world, name)));
    const traffic = (signal: AbortSignal) => Promise.all([ask(world, signal), beatAll(() => agents, signal)]);
    await beside((signal) => traffic(signal).then(() => {}), async () => {
      const postgres = postgresOf(world);
      await recorder.steps(6);
      await postgres.stop();
      recorder.breaks();
      await recorder.steps(18);
      await postgres.start();
      recorder.mends();
      await recorder.steps(50);
    });
  }),
};

/** Somebody locks a table the broker needs for two seconds, again and again. */
export const DATABASE_SLOW: Scenario = {
  name: "database_slow",
  alerts: ["BrokkrHttpLatency", "BrokkrAgentRequestLatency", "BrokkrDatabaseLatency"],
  record: recordWorld({ parts: ["postgres"] }, (world, recorder) =>
    beside((signal) => ask(world, signal), async () => {
      await recorder.steps(6);
      recorder.breaks();
      await beside((signal) => lockAgents(postgresOf(world), signal), () => recorder.steps(24));
      recorder.mends();
      await recorder.steps(14);
    })),
};

/** Somebody asks again and again for a stack of a name that is taken. */
export const NAMES_TAKEN: Scenario = {
  name: "names_taken",
  alerts: [],
  silent: ["BrokkrDatabaseErrors"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const taken = await world.admin.send(Stack, "GET", `/stacks/${await world.addStack("page")}`);
    await recorder.steps(6);
    recorder.breaks();
    await beside((signal) => askFor(taken, { world, signal }), () => recorder.steps(12));
    recorder.mends();
    await recorder.steps(6);
  }),
};

/** Somebody holds the row of an agent in a session that was forgotten, while something is submitted for it. */
export const SETTLING_STUCK: Scenario = {
  name: "settling_stuck",
  alerts: ["BrokkrSettlingStuck"],
  pace: 10,
  record: recordWorld({ parts: ["postgres"] }, async (world, recorder) => {
    const stackId = await world.addStack("page");
    await world.untilApplied(await world.submit(stackId, configMap("page")));
    await recorder.steps(6);
    recorder.breaks();
    await postgresOf(world).asSuperuser((sql) =>
      sql.begin(async (sql) => {
        await sql`select id from agents where id = ${world.agentId} for update`;
        await world.submit(stackId, configMap("page", { value: "2" }));
        await recorder.steps(100);
      }), "brokkr");
    recorder.mends();
    await recorder.steps(110);
  }),
};

/** A job's table is away when the broker starts, and comes back. */
export const JOB_FAILS: Scenario = {
  name: "job_fails",
  alerts: ["BrokkrJobNotRunning"],
  record: recordWorld({ parts: ["postgres"] }, async (world, recorder) => {
    const rename = (from: string, to: string) =>
      postgresOf(world).asSuperuser((sql) => sql`alter table ${sql(from)} rename to ${sql(to)}`, "brokkr");
    await recorder.steps(5);
    await world.broker.stop();
    await rename("agent_events", "agent_events_away");
    await world.startBroker();
    recorder.breaks();
    await recorder.steps(25);
    await rename("agent_events_away", "agent_events");
    recorder.mends();
    await recorder.steps(40);
  }),
};

/** Nothing happens for so long, at this pace, that the hourly jobs are missed; then the broker is started again. */
export const JOB_MISSED: Scenario = {
  name: "job_missed",
  alerts: ["BrokkrJobNotRunning"],
  pace: 1_200,
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    await recorder.steps(5);
    recorder.breaks();
    await recorder.steps(15);
    await world.broker.stop();
    await world.startBroker();
    recorder.mends();
    await recorder.steps(5);
  }),
};

async function lockAgents(postgres: PostgresServer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await postgres.asSuperuser((sql) =>
      sql.begin(async (sql) => {
        await sql`lock table agents in access exclusive mode`;
        await sql`select pg_sleep(2)`;
      }), "brokkr");
  }
}

async function askFor(
  { name, generator_id }: z.infer<typeof Stack>,
  { world, signal }: { readonly world: World; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const { status } = await world.generator.call("POST", "/stacks", { name, generator_id });
    if (status !== 409) throw new Error(`Cannot ask for a name that is taken: status is ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
