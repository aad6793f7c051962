import { configMap } from "../../system/bundles.ts";
import { startProxy } from "../../system/proxy.ts";
import type { World } from "../../system/world.ts";
import { ask, beside, type PlayedScenario, postgresOf, recordWorld, type Scenario } from "../scenario.ts";

/** Stacks that are submitted to at once. */
const NAMES = ["one", "two", "three", "four"];

/** Every submission ends in an error of the database, while agents and whoever only looks are served. */
export const SUBMISSIONS_FAIL: PlayedScenario = {
  name: "submissions_fail",
  play: {
    title: "every submission fails, and nothing else",
    pages: ["BrokkrErrorBudgetBurning"],
    tickets: ["BrokkrEndpointErrors", "BrokkrErrorBudgetLeaking"],
  },
  alerts: ["BrokkrEndpointErrors"],
  silent: ["BrokkrAgentRequestErrors"],
  record: brokenSubmissions("raise exception 'no'"),
};

/** Every submission takes four seconds, while agents and whoever only looks are served. */
export const SUBMISSIONS_SLOW: Scenario = {
  name: "submissions_slow",
  alerts: ["BrokkrEndpointLatency"],
  silent: ["BrokkrAgentRequestLatency"],
  record: brokenSubmissions("perform pg_sleep(4)"),
};

/** Somebody asks again and again with a key that nobody has. */
export const KEYS_REJECTED: Scenario = {
  name: "keys_rejected",
  alerts: ["BrokkrKeysRejected"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const key = `brokkr_BR${"a".repeat(8)}_${"b".repeat(32)}`;
    const guess = () => fetch(`${world.broker.url}/api/v1/stacks`, { headers: { authorization: key } });
    await recorder.steps(6);
    recorder.breaks();
    await beside(async (signal) => {
      while (!signal.aborted) {
        await (await guess()).body?.cancel();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }, () => recorder.steps(22));
    recorder.mends();
    await recorder.steps(20);
  }),
};

/** Somebody locks a table for so long that every connection for people's requests waits for it. */
export const POOL_FULL: PlayedScenario = {
  name: "pool_full",
  play: {
    title: "a session holds a lock, and all connections wait for it",
    pages: ["BrokkrGaugesStale"],
    tickets: ["BrokkrDatabasePoolFull", "BrokkrErrorBudgetLeaking"],
  },
  alerts: ["BrokkrDatabasePoolFull"],
  record: recordWorld(
    { parts: ["postgres"] },
    (world, recorder) =>
      beside(
        (signal) => Promise.all([ask(world, signal), ask(world, signal), ask(world, signal)]).then(() => {}),
        async () => {
          await recorder.steps(6);
          recorder.breaks();
          await postgresOf(world).asSuperuser((sql) =>
            sql.begin(async (sql) => {
              await sql`lock table agents, stacks, agent_events in access exclusive mode`;
              await recorder.steps(18);
            }), "brokkr");
          recorder.mends();
          await recorder.steps(50);
        },
      ),
  ),
};

/** Something before the broker answers every report with 503, while polls and heartbeats get through. */
export const REPORTS_REFUSED: Scenario = {
  name: "reports_refused",
  alerts: ["BrokkrAgentReportsPending"],
  async record(metrics) {
    let isBroken = false;
    await using proxy = startProxy((request, forward) =>
      isBroken && request.method === "POST" && request.url.endsWith("/events")
        ? Promise.resolve(new Response("no", { status: 503 }))
        : forward(request)
    );
    const record = recordWorld({ parts: [], brokerUrlOfAgent: proxy.before }, async (world, recorder) => {
      const stack = await world.addStack("page");
      await world.untilApplied(await world.submit(stack, configMap("page")));
      await recorder.steps(6);
      isBroken = true;
      await world.submit(stack, configMap("page", { value: "2" }));
      recorder.breaks();
      await recorder.steps(30);
      isBroken = false;
      recorder.mends();
      await recorder.steps(44);
    });
    return await record(metrics);
  },
};

/** Lets the database do something at every submission, and submits once a second. */
function brokenSubmissions(does: string): Scenario["record"] {
  return recordWorld(
    { parts: ["postgres"] },
    (world, recorder) =>
      beside(
        (signal) =>
          Promise.all([ask(world, signal), ...NAMES.map((name) => submitAll(world, { name, signal }))]).then(() => {}),
        async () => {
          const postgres = postgresOf(world);
          await recorder.steps(6);
          await postgres.asSuperuser((sql) => sql.unsafe(trigger(does)), "brokkr");
          recorder.breaks();
          await recorder.steps(18);
          await postgres.asSuperuser((sql) => sql`drop trigger broken on deployment_objects`, "brokkr");
          recorder.mends();
          await recorder.steps(50);
        },
      ),
  );
}

function trigger(does: string): string {
  return `
    create function broken() returns trigger language plpgsql as $$ begin ${does}; return new; end $$;
    create trigger broken before insert on deployment_objects for each row execute function broken()`;
}

async function submitAll(world: World, { name, signal }: { readonly name: string; readonly signal: AbortSignal }) {
  const stack = await world.addStack(name);
  for (let at = 0; !signal.aborted; at += 1) {
    await world.generator.call("POST", `/stacks/${stack}/deployment-objects`, configMap(name, { value: String(at) }));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
