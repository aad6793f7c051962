import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import { Stack } from "$lib/wire/stack.ts";
import { type Api, apiClient } from "../../system/api.ts";
import { pause } from "../../run/wait.ts";
import { bundle, configMap } from "../../system/bundles.ts";
import { eventually } from "../../system/wait.ts";
import type { World } from "../../system/world.ts";
import type { Recorder } from "../recorder.ts";
import { beside, pageOf, type PlayedScenario, postgresOf, recordWorld, type Scenario } from "../scenario.ts";
import { IMPATIENT } from "./agents.ts";

const FLEET = 60;
const LOST = 40;
const REGION = 20;
const STACKS = 12;

/** As by default, an agent is late before what it was to have is. */
const LATE_LATER = { DELIVERIES__SLO_SECONDS: "8" };

/** Of 60 agents one has long been lost; 40 more are, and all come back. */
export const FORTY_LOST: PlayedScenario = {
  name: "forty_lost",
  play: {
    title: "forty more of sixty agents are lost, where one was",
    pages: ["BrokkrManyAgentsDisconnected"],
    tickets: ["BrokkrAgentDisconnected"],
  },
  alerts: ["BrokkrManyAgentsDisconnected", "BrokkrMoreAgentsDisconnected"],
  record: recordWorld({ parts: ["postgres"], brokerSettings: IMPATIENT }, async (world, recorder) => {
    const fleet = await addFleet(world, FLEET - 1);
    const [lost] = fleet;
    let alive: typeof fleet = fleet.slice(1);
    await lost?.beat();
    const beat = (signal: AbortSignal) => beatAll(() => alive, signal);
    await beside(beat, async () => {
      await pause(8_000);
      await recorder.steps(14);
      alive = fleet.slice(LOST + 1);
      recorder.breaks();
      await recorder.steps(16);
      alive = fleet;
      recorder.mends();
      await recorder.steps(40);
    });
  }),
};

/** Beside one agent thirty are registered that never send a heartbeat; then they do. */
export const NEVER_CONNECTED: Scenario = {
  name: "never_connected",
  alerts: ["BrokkrManyAgentsDisconnected"],
  silent: ["BrokkrAgentDisconnected", "BrokkrNoAgentConnected", "BrokkrAllAgentsLost"],
  record: recordWorld({ parts: ["postgres"] }, async (world, recorder) => {
    await recorder.steps(6);
    const fleet = await addFleet(world, 30);
    recorder.breaks();
    await recorder.steps(12);
    await beside((signal) => beatAll(() => fleet, signal), async () => {
      recorder.mends();
      await recorder.steps(26);
    });
  }),
};

/** Of ten agents one is lost, and the database is away for a while; that alert stays: its gauge comes and goes. */
export const AGENT_AND_DATABASE_LOST: PlayedScenario = {
  name: "agent_and_database_lost",
  play: {
    title: "an agent is lost, and then the database is away as well",
    pages: ["BrokkrDatabaseErrors"],
    tickets: ["BrokkrAgentDisconnected", "BrokkrErrorBudgetLeaking"],
  },
  alerts: ["BrokkrAgentDisconnected"],
  record: recordWorld({ parts: ["postgres"], brokerSettings: IMPATIENT }, async (world, recorder) => {
    const fleet = await addFleet(world, 9);
    let isBroken = false;
    await beside((signal) => beatAll(() => isBroken ? fleet.slice(1) : fleet, signal), async () => {
      await pause(2_000);
      await recorder.steps(8);
      isBroken = true;
      recorder.breaks();
      await recorder.steps(12);
      await postgresOf(world).stop();
      await recorder.steps(8);
      await postgresOf(world).start();
      await recorder.steps(8);
      isBroken = false;
      recorder.mends();
      await recorder.steps(45);
    });
  }),
};

/** Of 20 agents one is killed, while something is submitted to it, and started again. */
export const AGENT_LOST: PlayedScenario = {
  name: "agent_lost",
  play: {
    title: "one of twenty agents is gone",
    pages: [],
    tickets: ["BrokkrAgentDisconnected", "BrokkrAgentGone", "BrokkrDeliveryPending"],
    clusters: { "agent-2": ["east"], agent: ["north", "west"] },
  },
  alerts: ["BrokkrAgentDisconnected"],
  silent: ["BrokkrManyAgentsDisconnected", "BrokkrAllAgentsLost", "BrokkrNoAgentConnected"],
  record: recordWorld({ parts: ["postgres"], brokerSettings: IMPATIENT }, async (world, recorder) => {
    const fleet = await addFleet(world, 18);
    const second = await addSecond(world, recorder);
    await beside((signal) => beatAll(() => fleet, signal), async () => {
      await pause(2_000);
      await recorder.steps(8);
      await second.kill();
      await world.submit(second.stackId, configMap("second", { value: "2" }));
      recorder.breaks();
      await recorder.steps(30);
      await second.start();
      recorder.mends();
      await recorder.steps(50);
    });
  }),
};

/**
 * A region goes dark with an agent, a broker, and the Prometheus that scraped them, while something is submitted to
 * that agent; then all of it is there again.
 */
export const REGION_LOST: PlayedScenario = {
  name: "region_lost",
  play: {
    title: "a region is dark: twenty of sixty agents, one broker",
    pages: ["BrokkrManyAgentsDisconnected"],
    tickets: [],
    clusters: { "agent-2": ["east", "north"], agent: ["west"] },
  },
  alerts: ["BrokkrManyAgentsDisconnected"],
  silent: ["BrokkrAllAgentsLost", "BrokkrNoAgentConnected", "BrokkrBrokerDown", "BrokkrBrokerGone"],
  record: recordWorld(
    { parts: ["postgres"], brokerSettings: { ...IMPATIENT, ...LATE_LATER } },
    async (world, recorder) => {
      const fleet = await addFleet(world, FLEET - 2);
      const second = await addSecond(world, recorder);
      let replica = await world.startReplica();
      recorder.add("broker-2", pageOf(() => replica));
      let isDark = false;
      await beside((signal) => beatAll(() => isDark ? fleet.slice(REGION - 1) : fleet, signal), async () => {
        await pause(2_000);
        await recorder.steps(14);
        isDark = true;
        for (const target of ["agent-2", "broker-2"] as const) recorder.remove(target);
        await Promise.all([second.kill(), replica.kill()]);
        recorder.breaks();
        await Promise.all(["one", "two", "three", "four"].map((name) => second.add(name)));
        await recorder.steps(24);
        replica = await world.startReplica();
        recorder.add("broker-2", pageOf(() => replica));
        await second.start();
        isDark = false;
        recorder.mends();
        await recorder.steps(40);
      });
    },
  ),
};

/** Of twelve stacks one has long been refused; five more are changed to what is refused, and changed back. */
export const BAD_DEPLOY: PlayedScenario = {
  name: "bad_deploy",
  play: {
    title: "five more of twelve stacks are refused, where one was",
    pages: ["BrokkrManyDeliveriesStuck"],
    tickets: ["BrokkrDeliveriesFailing"],
    clusters: { agent: ["east"] },
  },
  alerts: ["BrokkrManyDeliveriesStuck", "BrokkrMoreDeliveriesStuck"],
  pace: 120,
  record: recordWorld({ parts: [] }, async (world, recorder) => {
    const stacks = await Promise.all(Array.from({ length: STACKS }, (_, at) => world.addStack(`stack-${at}`)));
    const submit = async (from: number, to: number, bundle: (at: number) => string) => {
      for (let at = from; at < to; at += 1) await world.submit(stacks[at] ?? "", bundle(at));
    };
    await submit(0, 1, () => configMap("Not A Name"));
    await submit(1, STACKS, (at) => configMap(`page-${at}`));
    await pause(8_000);
    await recorder.steps(12);
    await submit(1, 6, (at) => bundle(configMap(`page-${at}`), configMap(`Not A Name ${at}`)));
    recorder.breaks();
    await recorder.steps(30);
    await submit(0, 6, (at) => configMap(`page-${at}`, { value: "2" }));
    recorder.mends();
    await recorder.steps(40);
  }),
};

interface FleetAgent {
  readonly beat: () => Promise<unknown>;
}

async function addFleet(world: World, count: number): Promise<readonly FleetAgent[]> {
  const fleet: FleetAgent[] = [];
  for (let at = 0; at < count; at += 1) fleet.push(await addAgent(world, `fleet-${at}`));
  return fleet;
}

/** One more agent that works, with a stack of its own. */
interface Second {
  readonly stackId: string;
  /** Submits one more stack for it; answers its id. */
  add(name: string): Promise<string>;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Starts one more agent, which keeps its record in a namespace of its own; resolves when its stack is applied. */
async function addSecond(world: World, recorder: Recorder): Promise<Second> {
  const { admin, generator, generatorId, agent: first } = world;
  const name = "second";
  const { agent, initial_pak } = await newAgent(world, name, [generatorId]);
  const add = async (name: string) => {
    const stack = await generator.send(Stack, "POST", "/stacks", { name, generator_id: generatorId });
    const target = { agent_id: agent.id, stack_id: stack.id };
    await admin.send(z.unknown(), "POST", `/agents/${agent.id}/targets`, target);
    await world.submit(stack.id, configMap(name));
    return stack.id;
  };
  const stackId = await add(name);
  await world.cluster.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const settings = {
    ...{ AGENT__PAK: initial_pak, AGENT__NAMESPACE: name },
    ...{ AGENT__AGENT_NAME: name, AGENT__CLUSTER_NAME: name },
  };
  const start = async () => {
    await world.startAgent(settings);
    recorder.add("agent-2", pageOf(() => world.agent));
  };
  await start();
  recorder.add("agent", pageOf(() => first));
  await eventually("the second agent has applied its stack", async () => {
    const deliveries = await admin.send(z.array(Delivery), "GET", `/agents/${agent.id}/deliveries`);
    return deliveries.some(({ state }) => state === "applied");
  });
  return { stackId, add, kill: () => world.agent.kill(), start };
}

/** An agent that sends heartbeats and nothing else. */
export async function addAgent(world: World, name: string, url = world.broker.url): Promise<FleetAgent> {
  const { agent, initial_pak } = await newAgent(world, name);
  const api: Api = apiClient(url, initial_pak);
  return { beat: () => api.call("POST", `/agents/${agent.id}/heartbeat`, { k8s_reachable: true }) };
}

async function newAgent({ admin }: World, name: string, generators: readonly string[] = []) {
  const asked = { name, cluster_name: name, generator_ids: generators };
  const created = await admin.send(CreateAgentResponse, "POST", "/agents", asked);
  await admin.send(z.unknown(), "PUT", `/agents/${created.agent.id}`, { status: "ACTIVE" });
  return created;
}

/** Lets these agents send a heartbeat each second, until the signal aborts; whatever is answered. */
export async function beatAll(agents: () => readonly FleetAgent[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(agents().map(({ beat }) => beat().catch(() => undefined)));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
