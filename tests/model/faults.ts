import type { FaultAnswer, SimulatedCluster } from "../fakes/cluster/mod.ts";
import type { Dice } from "./dice.ts";

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
  { connection: "close" },
  { connection: "close", isServed: true },
  { connection: "close", isServed: true, times: 6 },
  { connection: "truncate" },
  { connection: "truncate", times: 6 },
];
const VERBS = [undefined, "get", "list", "create", "patch", "patch", "delete"];
const OFTEN = 0.5;
/** Each costs a deadline. */
const HANGING = 0.01;
const LATEST = 8;

/** Whom the faults are for. */
const AGENT = /^brokkr-agent\//;

/** Makes some of the agent's next requests fail, or none; the returned function ends that. */
export function addFaults(cluster: SimulatedCluster, dice: Dice): () => void {
  const ends = dice.isHit(OFTEN) ? Array.from({ length: 1 + dice.below(2) }, () => addFault(cluster, dice)) : [];
  return () => ends.forEach((end) => end());
}

/** Hits a request of one verb, or of any, after some others of it. */
function addFault(cluster: SimulatedCluster, dice: Dice): () => void {
  const verb = dice.pick(VERBS);
  const answer = dice.isHit(HANGING)
    ? { connection: "hang", isServed: dice.isHit(0.5) } as const
    : dice.pick(ANSWERS) ?? {};
  let before = dice.below(LATEST);
  const where = () => before-- <= 0;
  return cluster.fault({ ...(verb === undefined ? {} : { verb }), userAgent: AGENT, where }, answer);
}
