import { fileURLToPath } from "node:url";
import { configMap } from "../../system/bundles.ts";
import { startProxy } from "../../system/proxy.ts";
import { type PlayedScenario, recordWorld, type Scenario } from "../scenario.ts";

/** Late and lost within seconds. */
export const IMPATIENT = { AGENTS__LATE_AFTER_SECONDS: "3", AGENTS__LOST_AFTER_SECONDS: "8" };

/** The only agent is killed, and started again. */
export const AGENT_KILLED: PlayedScenario = {
  name: "agent_killed",
  play: {
    title: "the only agent is gone",
    pages: ["BrokkrNoAgentConnected"],
    tickets: [],
    clusters: { agent: ["east"] },
  },
  alerts: [
    "BrokkrAgentDisconnected",
    "BrokkrAllAgentsLost",
    "BrokkrNoAgentConnected",
    "BrokkrDeliveryPending",
    "BrokkrAgentDown",
    "BrokkrAgentAbsent",
    "BrokkrAgentGone",
  ],
  record: recordWorld({ parts: [], brokerSettings: IMPATIENT }, async (world, recorder) => {
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));
    await recorder.steps(5);
    await world.agent.kill();
    await world.submit(stack, configMap("page", { value: "2" }));
    recorder.breaks();
    await recorder.steps(26);
    await world.startAgent();
    recorder.mends();
    await recorder.steps(50);
  }),
};

/** The broker is killed, and started again. */
export const BROKER_KILLED: PlayedScenario = {
  name: "broker_killed",
  play: {
    title: "the only broker is gone",
    pages: ["BrokkrBrokerGone"],
    tickets: [],
  },
  alerts: ["BrokkrBrokerDown", "BrokkrBrokerAbsent", "BrokkrBrokerGone", "BrokkrAgentNoSuccessfulPoll"],
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    await recorder.steps(5);
    await world.broker.kill();
    recorder.breaks();
    await recorder.steps(16);
    await world.startBroker();
    recorder.mends();
    await recorder.steps(50);
  }),
};

/** The API server refuses everything about Leases, so that the only replica loses its own and stands by. */
export const LEASE_LOST: Scenario = {
  name: "lease_lost",
  alerts: ["BrokkrAgentNoLeader"],
  record: recordWorld({ parts: [], agentSettings: { AGENT__LEASE: "true" } }, async (world, recorder) => {
    const { simulated } = world.servers;
    if (simulated === undefined) throw new Error("Cannot refuse Leases: the cluster is not the simulated one");
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await recorder.steps(6);
    const mend = simulated.fault({ resource: "leases" }, { times: Infinity, status: 403 });
    recorder.breaks();
    await recorder.steps(36);
    mend();
    recorder.mends();
    await recorder.steps(16);
  }),
};

/** Something before the broker answers two polls of three with 502. */
export const POLLS_FAIL: Scenario = {
  name: "polls_fail",
  alerts: ["BrokkrAgentPollsFailing"],
  async record(metrics) {
    let isBroken = false;
    let polls = 0;
    await using proxy = startProxy((request, forward) => {
      if (!isBroken || !request.url.includes("/snapshot")) return forward(request);
      polls += 1;
      return polls % 3 === 0 ? forward(request) : Promise.resolve(new Response("no", { status: 502 }));
    });
    const record = recordWorld({ parts: [], brokerUrlOfAgent: proxy.before }, async (_, recorder) => {
      await recorder.steps(6);
      isBroken = true;
      recorder.breaks();
      await recorder.steps(25);
      isBroken = false;
      recorder.mends();
      await recorder.steps(14);
    });
    return await record(metrics);
  },
};

/** Seconds, each of which stands for a minute. */
const BEHIND_SECONDS = 6;

/** The agent's clock is six minutes behind, and set right. */
export const CLOCK_BEHIND: PlayedScenario = {
  name: "clock_behind",
  play: { title: "an agent's clock is six minutes behind", pages: [], tickets: [] },
  alerts: [],
  async record(metrics) {
    const agentFlags = ["--preload", fileURLToPath(new URL("clock_behind.ts", import.meta.url))];
    const record = recordWorld({ parts: [], agentFlags }, async (world, recorder) => {
      await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
      await recorder.steps(6);
      await world.agent.stop();
      await world.startAgent({ BROKKR_TEST_CLOCK_BEHIND_MS: String(BEHIND_SECONDS * 1_000) });
      recorder.breaks();
      await recorder.steps(10);
      await world.submit(await world.addStack("another"), configMap("another"));
      await recorder.steps(20);
      await world.agent.stop();
      await world.startAgent();
      recorder.mends();
      await recorder.steps(30);
    });
    return await record(metrics);
  },
};
