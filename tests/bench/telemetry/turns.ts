import { cpuUsage } from "node:process";
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { openKubernetes } from "$lib/kubernetes.ts";
import { tracedLog } from "$lib/log.ts";
import { createTracing } from "$lib/telemetry/tracing.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import type { StackTurnEnd } from "../../../agent/deliver/turn.ts";
import { TurnTraces } from "../../../agent/deliver/turn_traces.ts";
import type { ApplyWork, TurnContext } from "../../../agent/plan/plan.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { compare, median, middle } from "../metrics/compare.ts";
import type { Line } from "../metrics/report.ts";
import { startServerOf } from "../metrics/servers.ts";

const ROUNDS = 121;
const OBJECTS = 50;
const MAX = 1.02;
const OFF = "off";
/** The same as `off`: how far its ratio is from 1 is what the machine makes of nothing. */
const SAME = "off, once more";
const UNSAMPLED = "ratio 0";
const NAMES = [OFF, SAME, UNSAMPLED] as const;
const CONFIG_MAPS = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
} as const;
const CONTEXT: TurnContext = {
  ...{ revision: 1, isResync: false, compareAll: false, isDrift: false, failures: 0 },
  stepAside: (wait) => wait(),
};
const WORK: ApplyWork = {
  kind: "apply",
  stack: { id: "s", name: "web", generatorId: "g" },
  object: { id: "o", checksum: "c", sequenceId: 1 },
  policy: { suspended: false, drift: "repair" },
  ...{ mayPrune: true, mayReplace: true },
};
const APPLIED: StackTurnEnd = { isSettled: true, result: "applied", state: "applied" };

/**
 * Processor time of a turn's requests, a dry run and a write of each object, in an agent that traces and samples none,
 * to one that does not trace. What else a turn does costs both the same, so that the ratio of a whole turn is lower.
 * The cluster is in a process of its own.
 */
export async function turnLines(): Promise<readonly Line[]> {
  await using server = await startServerOf(new URL("cluster_server.ts", import.meta.url), []);
  const kubeconfigPath = await kubeconfigOf(server.port);
  const runners = await Promise.all(NAMES.map(async (name) => ({
    name,
    run: await turning(kubeconfigPath, name === UNSAMPLED ? unsampled() : disabledTracing()),
  })));
  const rounds = await compare(runners, ROUNDS);
  await Deno.remove(kubeconfigPath);
  return NAMES.map((who): Line => {
    const toBoth = (round: (typeof rounds)[number]) => 2 * round[who] / (round[OFF] + round[SAME]);
    const of = median(rounds.map(toBoth));
    const figure = `${(middle(rounds, who) / 1_000).toFixed(2)} ms`;
    const line = { what: `processor time of a turn's requests, ${OBJECTS} objects`, who, figure, ratio: of };
    return who === UNSAMPLED ? { ...line, limit: { is: "≤", value: MAX, of } } : line;
  });
}

function unsampled(): Tracing {
  return createTracing({
    ...{ ratio: 0, followsParent: true, maxFollowedPerSecond: 10, clock: systemClock(), random },
    resource: () => ({ "service.name": "brokkr-agent" }),
    sender: { send: () => Promise.resolve({ kind: "accepted", body: new Uint8Array() }) },
    maxBytes: 500_000,
    outcomes: { ended: () => {}, queueFull: () => {} },
  });
}

/** What makes a turn; it says how many microseconds of this process's processor time that took. */
async function turning(kubeconfigPath: string, tracing: Tracing): Promise<() => Promise<number>> {
  const clock = systemClock();
  const log = tracedLog(silentLog(), tracing);
  const { metrics } = countingMetrics();
  const door = { kubeconfigPath, env: {}, metrics, clock, random, log, userAgent: "bench" };
  const kubernetes = await openKubernetes({ ...door, ...(tracing.isOn && { tracing }) });
  const records = { knownOf: () => undefined };
  const traces = new TurnTraces({ tracing, clock, agentId: "a", records, joinWithinMs: 0 });
  let turn = 0;
  const writes = async (): Promise<StackTurnEnd> => {
    turn += 1;
    for (let at = 0; at < OBJECTS; at += 1) {
      const place = { resource: CONFIG_MAPS, namespace: "default", name: `item-${at}` };
      const metadata = { name: place.name, namespace: place.namespace };
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { turn: String(turn) } };
      await kubernetes.apply(place, object, { dryRun: true });
      await kubernetes.apply(place, object);
      log.debug("applied", { name: place.name });
    }
    return APPLIED;
  };
  return async () => {
    const before = cpuUsage();
    await traces.run(WORK, CONTEXT, writes);
    const { user, system } = cpuUsage(before);
    return user + system;
  };
}

async function kubeconfigOf(port: number): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "bench", users: [{ name: "bench", user: {} }] },
    clusters: [{ name: "bench", cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
  };
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}
