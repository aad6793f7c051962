import type { FaultAnswer } from "../fakes/cluster/mod.ts";
import { brokerFaults } from "./broker_gate.ts";
import type { Dice } from "./dice.ts";
import type { ModelWorld } from "./model_world.ts";

const ANSWERS: readonly FaultAnswer[] = [
  { status: 401 },
  { status: 401, times: 2 },
  { status: 409 },
  { status: 422 },
  { status: 429, retryAfterSeconds: 1 },
  { status: 429, retryAfterSeconds: 120 },
  { status: 500 },
  { status: 500, times: 6 },
  { status: 503 },
  { status: 504 },
  { connection: "close" },
  { connection: "close", isServed: true },
  { connection: "close", isServed: true, times: 6 },
  { connection: "truncate" },
  { connection: "truncate", times: 6 },
  { connection: "hang" },
  { connection: "hang", isServed: true },
  { delayMs: 2_000 },
  { delayMs: 25_000, times: 3 },
];
const VERBS = [undefined, "get", "list", "create", "patch", "patch", "delete"];
/** How many requests of its kind come before the one that a fault hits, at most. */
const LATEST = 8;

type End = () => Promise<void> | void;
type Fault = (world: ModelWorld, dice: Dice) => Promise<End> | End;

/** What may go wrong in a step, with its probability; what takes its time comes last, as an agent may die meanwhile. */
const FAULTS: readonly (readonly [probability: number, Fault])[] = [
  [0.4, failRequests],
  [0.2, failBroker],
  [0.15, killAgent],
  [0.03, freezeConnections],
  [0.05, cutConnections],
  [0.02, restartApiServer],
  [0.02, killBroker],
];

/** Makes some things go wrong, or none; the returned function ends that. */
export async function addFaults(world: ModelWorld, dice: Dice): Promise<End> {
  const ends: End[] = [];
  for (const [probability, fault] of FAULTS) if (dice.isHit(probability)) ends.push(await fault(world, dice));
  return async () => {
    for (const end of ends) await end();
  };
}

/** Each hits a request of one verb, or of any, after some others of it. */
function failRequests({ agent }: ModelWorld, dice: Dice): End {
  const { api } = agent.gates;
  const ends = Array.from({ length: 1 + dice.below(2) }, () => {
    const verb = dice.pick(VERBS);
    let before = dice.below(LATEST);
    const matcher = { ...(verb === undefined ? {} : { verb }), where: () => before-- <= 0 };
    return api.fault(matcher, dice.pick(ANSWERS) ?? {});
  });
  return () => ends.forEach((end) => end());
}

function failBroker({ agent }: ModelWorld, dice: Dice): End {
  const { broker } = agent.gates;
  broker.fail(brokerFaults(dice));
  return () => broker.fail(undefined);
}

/** With one of its next writes, or at the latest when the step ends. */
function killAgent({ agent }: ModelWorld, dice: Dice): End {
  agent.gates.api.dieLater({ writes: 1 + dice.below(8), isServed: dice.isHit(0.5) }, () => agent.kill());
  return () => agent.kill();
}

/** Not a byte passes any more on what is open, or on new connections neither. */
function freezeConnections({ agent }: ModelWorld, dice: Dice): End {
  const { relay } = agent.gates.api;
  relay.freezeOpen();
  if (dice.isHit(0.5)) relay.freezeNew();
  return () => relay.thaw();
}

function cutConnections({ agent }: ModelWorld): End {
  agent.gates.api.relay.cut();
  return () => {};
}

/** Whoever waits for an answer has none; somebody may take a backup while it is down. */
async function killBroker(world: ModelWorld, dice: Dice): Promise<End> {
  await world.broker.kill();
  if (dice.isHit(0.5)) await world.backUp();
  return () => world.broker.start();
}

async function restartApiServer({ cluster, agent }: ModelWorld): Promise<End> {
  if (cluster.restart === undefined) {
    agent.gates.api.relay.cut();
    return agent.gates.api.fault({}, { connection: "close", times: Infinity });
  }
  await cluster.restart.stop();
  return cluster.restart.start;
}
