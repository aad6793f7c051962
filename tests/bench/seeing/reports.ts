import { StackSubmission } from "$lib/wire/stack.ts";
import { requestBytes } from "../hot_paths/paths.ts";
import { Connection } from "../hot_paths/connection.ts";
import { makeFleet } from "../hot_paths/fleet.ts";
import { processorUs } from "../process.ts";
import { eventually } from "../../system/wait.ts";
import type { World } from "../../system/world.ts";

const AGENTS = 500;
const OBJECTS = 10;
/** Each is measured so often, in turns: the medians count. */
const TRIALS = 5;
const ROLLOUT_MAX = 2;
const UNCHANGED_MAX = 0.3;

type Health = "healthy" | "progressing";

interface Reporter {
  readonly id: string;
  readonly pak: string;
  readonly boot: string;
  seq: number;
}

/**
 * What a broker takes of its processor for a rollout whose agents report that it is applied and progressing, and then
 * healthy, to one whose agents report that it is applied; and for a report without a change to one with.
 */
export async function measureReports({ broker, admin, adminPak }: World): Promise<readonly string[]> {
  const fleet = await makeFleet(broker.url, {
    ...{ adminPak, agentCount: AGENTS, stackCount: 1, generatorName: "reporters" },
  });
  const [stackId = ""] = fleet.stackIds;
  await eventually("every agent is to have the stack", async () => {
    const [newest] = await admin.send(StackSubmission.array(), "GET", `/stacks/${stackId}/history?limit=1`);
    return newest?.agents_desired === AGENTS;
  });
  const reporters = fleet.agents.map((agent): Reporter => ({ ...agent, boot: crypto.randomUUID(), seq: 0 }));
  using connection = await Connection.open(broker.url);
  const round = async (of: (at: number) => object) => {
    const before = await processorUs(broker.pid);
    for (const [at, reporter] of reporters.entries()) {
      const { id, pak, boot } = reporter;
      const body = { agent_id: id, stack_id: stackId, boot_id: boot, seq: ++reporter.seq, attempts: 1, revision: 1 };
      const path = `/api/v1/agents/${id}/events`;
      const answer = await connection.ask(requestBytes("POST", path, { pak, body: { ...body, ...of(at) } }));
      if (answer.status >= 300) throw new Error(`Cannot measure: a report is answered ${answer.status}`);
    }
    return (await processorUs(broker.pid) - before) / reporters.length;
  };
  const applied = { state: "applied", event_type: "DEPLOY", status: "SUCCESS" };
  const trials: {
    readonly alone: number;
    readonly healthy: number;
    readonly changed: number;
    readonly same: number;
  }[] = [];
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const alone = await round(() => applied);
    const progressing = await round(() => ({ ...applied, ...healthOf("progressing", trial) }));
    const changed = await round(() => ({ state: "applied", ...healthOf("healthy", trial) }));
    const same = await round(() => ({ state: "applied", ...healthOf("healthy", trial) }));
    trials.push({ alone, healthy: progressing + changed, changed, same });
  }
  const middle = (of: (trial: (typeof trials)[number]) => number) =>
    trials.map(of).toSorted((one, other) => one - other)[Math.floor(TRIALS / 2)] ?? Number.NaN;
  const [alone, changed] = [middle((one) => one.alone), middle((one) => one.changed)];
  const rollout = middle((one) => one.healthy / one.alone);
  const unchanged = middle((one) => one.same / one.changed);
  console.log(
    `a report that it is applied: ${alone.toFixed(0)} µs of the broker's; with health: ${changed.toFixed(0)} µs`,
  );
  console.log(`a rollout with health: ${rollout.toFixed(2)} of one without, at most ${ROLLOUT_MAX}`);
  console.log(`a report without a change: ${unchanged.toFixed(2)} of one with, at most ${UNCHANGED_MAX}`);
  return [
    ...(rollout <= ROLLOUT_MAX ? [] : [`a rollout with health takes ${rollout.toFixed(2)} of one without`]),
    ...(unchanged <= UNCHANGED_MAX ? [] : [`a report without a change takes ${unchanged.toFixed(2)} of one with`]),
  ];
}

function healthOf(status: Health, trial: number) {
  const at = new Date().toISOString();
  const results = Array.from({ length: OBJECTS }, (_, number) => ({
    ...{ group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: `web-${trial}-${number}` },
    ...{ action: "configured", health: status },
  }));
  return { health: { status, at }, results };
}
