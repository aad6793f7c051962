import { z } from "zod";
import { configMap } from "../../system/bundles.ts";
import type { Program } from "../../system/programs.ts";
import { type Proxy, startProxy } from "../../system/proxy.ts";
import type { World, WorldOptions } from "../../system/world.ts";
import { unpackOldPrograms } from "../../upgrade/old_programs.ts";
import type { Recorder } from "../recorder.ts";
import { ask, beside, pageOf, type PlayedScenario, recordWorld, type Scenario } from "../scenario.ts";
import { addAgent, beatAll } from "./fleets.ts";

/** A heartbeat a second, and late after six of them as by default. */
const PATIENT = { AGENTS__LATE_AFTER_SECONDS: "6", AGENTS__LOST_AFTER_SECONDS: "30" };
const FLEET = 8;

/** Programs of 0.10.0 are replaced by those of now: two brokers, one after another, and then the agent. */
export const UPGRADE: PlayedScenario = {
  name: "upgrade",
  play: { title: "an upgrade from 0.10.0: the brokers first, then the agent", pages: [], tickets: [] },
  alerts: [],
  record: recordService(async (day) => {
    const { world, recorder } = day;
    await recorder.steps(10);
    recorder.breaks();
    await replaceBroker(day);
    await recorder.steps(5);
    await replaceAgent(world, recorder);
    recorder.mends();
    await recorder.steps(40);
  }),
};

/**
 * Eight hours in which nothing is at fault: changes and new stacks, restarts, an upgrade, one more broker for a while.
 */
export const HEALTHY_DAY: PlayedScenario = {
  name: "healthy_day",
  play: { title: "a healthy day", pages: [], tickets: [] },
  alerts: [],
  record: recordService(async (day) => {
    const { world, recorder } = day;
    await recorder.steps(10);
    recorder.breaks();
    await rollOut(day, 40);
    await recorder.steps(20);
    await replaceBroker(day);
    await replaceAgent(world, recorder);
    await rollOut(day, 40);
    await recorder.steps(20);
    const replica = await addReplica(day);
    await rollOut(day, 60);
    await removeReplica(day, replica);
    await recorder.steps(40);
    await replaceAgent(world, recorder);
    await rollOut(day, 40);
    await replaceBroker(day);
    await recorder.steps(60);
    recorder.mends();
    await recorder.steps(60);
  }),
};

/** A new broker has nobody to serve for most of an hour; then its first agent is there, and has its first stack. */
export const FIRST_HOUR: PlayedScenario = {
  name: "first_hour",
  play: { title: "a new installation, an hour without an agent", pages: [], tickets: ["BrokkrAgentAbsent"] },
  alerts: [],
  record: recordWorld({ parts: [], startsAgent: false }, async (world, recorder) => {
    const become = (status: string) => world.admin.send(z.unknown(), "PUT", `/agents/${world.agentId}`, { status });
    recorder.remove("agent");
    await become("INACTIVE");
    await recorder.steps(6);
    recorder.breaks();
    await recorder.steps(50);
    await become("ACTIVE");
    await world.startAgent();
    recorder.add("agent", pageOf(() => world.agent));
    await world.submit(await world.addStack("first"), configMap("first"));
    recorder.mends();
    await recorder.steps(30);
  }),
};

/** The agent is as old as 0.10.0 for a day and longer, beside a broker of now. */
export const AGENT_BEHIND: Scenario = {
  name: "agent_behind",
  alerts: ["BrokkrAgentVersionSkew"],
  pace: 7_200,
  async record(metrics) {
    await using old = await unpackOldPrograms();
    const record = recordWorld({ parts: [] }, async (world, recorder) => {
      await recorder.steps(6);
      await world.agent.stop();
      await world.startAgent({}, { entry: old.entry("agent") });
      recorder.breaks();
      await recorder.steps(24);
      await world.agent.stop();
      await world.startAgent();
      recorder.mends();
      await recorder.steps(8);
    });
    return await record(metrics);
  },
};

interface Day {
  readonly world: World;
  readonly recorder: Recorder;
  /** Before the brokers: whatever is asked of it, one that is ready answers. */
  readonly service: Proxy;
  /** Stacks that are there. */
  readonly stacks: string[];
}

/** Records programs that begin as those of 0.10.0, with agents and people who ask. */
function recordService(happens: (day: Day) => Promise<void>): Scenario["record"] {
  return async (metrics) => {
    await using old = await unpackOldPrograms();
    await using service = startProxy((request, forward) => forward(request));
    const options: WorldOptions = {
      parts: ["postgres"],
      brokerSettings: PATIENT,
      brokerEntry: old.entry("broker"),
      agentEntry: old.entry("agent"),
      brokerUrlOfAgent: service.before,
    };
    const record = recordWorld(options, async (world, recorder) => {
      const url = service.before(world.broker.url);
      const fleet = await Promise.all(Array.from({ length: FLEET }, (_, at) => addAgent(world, `fleet-${at}`, url)));
      const traffic = (signal: AbortSignal) => Promise.all([ask(world, signal), beatAll(() => fleet, signal)]);
      await beside((signal) => traffic(signal).then(() => {}), async () => {
        await recorder.whilst(new Promise((resolve) => setTimeout(resolve, 2_000)));
        await happens({ world, recorder, service, stacks: [] });
      });
    });
    return await record(metrics);
  };
}

/** One more beside the broker takes over; then the broker, anew, from this one. */
async function replaceBroker(day: Day): Promise<void> {
  const { world, recorder, service } = day;
  const replica = await addReplica(day);
  service.before(replica.url);
  await recorder.steps(2);
  recorder.remove("broker");
  await recorder.whilst(world.broker.stop());
  await recorder.whilst(world.startBroker({ entry: undefined }));
  recorder.add("broker", pageOf(() => world.broker));
  await recorder.steps(3);
  await removeReplica(day, replica);
}

async function addReplica({ world, recorder }: Day): Promise<Program> {
  const replica = await recorder.whilst(world.startReplica());
  recorder.add("broker-2", pageOf(() => replica));
  return replica;
}

async function removeReplica({ world, recorder, service }: Day, replica: Program): Promise<void> {
  service.before(world.broker.url);
  await recorder.steps(1);
  recorder.remove("broker-2");
  await recorder.whilst(replica.stop());
}

async function replaceAgent(world: World, recorder: Recorder): Promise<void> {
  await recorder.whilst(world.agent.stop());
  await recorder.whilst(world.startAgent({}, { entry: undefined }));
}

/** For so many steps: every fourth a new stack, every fourth a change, and now and then one goes. */
async function rollOut({ world, recorder, stacks }: Day, steps: number): Promise<void> {
  for (let at = 0; at < steps; at += 1) {
    if (at % 4 === 0) stacks.push(await world.addStack(`stack-${crypto.randomUUID()}`));
    const stack = stacks.at(-1 - at % 3) ?? "";
    if (at % 2 === 0 && stack !== "") await world.submit(stack, configMap(`page-${stack}`, { value: String(at) }));
    const leaving = at % 12 === 11 ? stacks.shift() : undefined;
    if (leaving !== undefined) await world.admin.call("DELETE", `/stacks/${leaving}`);
    await recorder.steps(1);
  }
}
