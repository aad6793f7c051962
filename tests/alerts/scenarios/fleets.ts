import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { type Api, apiClient } from "../../system/api.ts";
import { pause } from "../../run/wait.ts";
import { bundle, configMap } from "../../system/bundles.ts";
import type { World } from "../../system/world.ts";
import { beside, recordWorld, type Scenario } from "../scenario.ts";
import { IMPATIENT } from "./agents.ts";

const FLEET = 60;
const LOST = 40;
const STACKS = 12;

/** Of 60 agents one has long been lost; 40 more are, and come back. */
export const FORTY_LOST: Scenario = {
  name: "forty_lost",
  alerts: ["BrokkrManyAgentsDisconnected", "BrokkrMoreAgentsDisconnected"],
  record: recordWorld({ parts: ["postgres"], brokerSettings: IMPATIENT }, async (world, recorder) => {
    const fleet = await addFleet(world, FLEET - 1);
    const [lost] = fleet;
    let isBroken = false;
    await lost?.beat();
    const beat = (signal: AbortSignal) => beatAll(() => isBroken ? fleet.slice(LOST + 1) : fleet.slice(1), signal);
    await beside(beat, async () => {
      await pause(8_000);
      await recorder.steps(14);
      isBroken = true;
      recorder.breaks();
      await recorder.steps(16);
      isBroken = false;
      recorder.mends();
      await recorder.steps(40);
    });
  }),
};

/** Of 20 agents one is killed, while something is submitted to it, and started again. */
export const AGENT_LOST: Scenario = {
  name: "agent_lost",
  alerts: ["BrokkrAgentDisconnected"],
  silent: ["BrokkrManyAgentsDisconnected", "BrokkrAllAgentsLost", "BrokkrNoAgentConnected"],
  record: recordWorld({ parts: ["postgres"], brokerSettings: IMPATIENT }, async (world, recorder) => {
    const fleet = await addFleet(world, 19);
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));
    await beside((signal) => beatAll(() => fleet, signal), async () => {
      await pause(2_000);
      await recorder.steps(8);
      await world.agent.kill();
      await world.submit(stack, configMap("page", { value: "2" }));
      recorder.breaks();
      await recorder.steps(30);
      await world.startAgent();
      recorder.mends();
      await recorder.steps(50);
    });
  }),
};

/** Of twelve stacks one has long been refused; five more are changed to what is refused, and changed back. */
export const BAD_DEPLOY: Scenario = {
  name: "bad_deploy",
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

/** An agent that sends heartbeats and nothing else. */
export async function addAgent({ admin, broker }: World, name: string, url = broker.url): Promise<FleetAgent> {
  const { agent, initial_pak } = await admin.send(CreateAgentResponse, "POST", "/agents", { name, cluster_name: name });
  await admin.send(z.unknown(), "PUT", `/agents/${agent.id}`, { status: "ACTIVE" });
  const api: Api = apiClient(url, initial_pak);
  return { beat: () => api.call("POST", `/agents/${agent.id}/heartbeat`, { k8s_reachable: true }) };
}

/** Lets these agents send a heartbeat each second, until the signal aborts; whatever is answered. */
export async function beatAll(agents: () => readonly FleetAgent[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(agents().map(({ beat }) => beat().catch(() => undefined)));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
