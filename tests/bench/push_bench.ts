/**
 * From the moment in which a submission is sent until what it brings is in a real control plane: one agent, polling as
 * shipped, that hears of changes by push. Submissions come one at a time, at moments that have nothing to do with
 * polls.
 *
 * usage: deno task bench push [submissions, default 100]
 */
import { ADDED_BY, isAvailable, type Part, PARTS } from "../run/parts.ts";
import { configMap } from "../system/bundles.ts";
import { openWorld, type World } from "../system/world.ts";

const P50_MAX_MS = 40;
const P95_MAX_MS = 60;
const NAME = "pushed";
/** Until what the last one made the agent do is over. */
const QUIET_MS = 300;
const DEADLINE_MS = 30_000;
/** As shipped: what is not pushed takes seconds. */
const AGENT_SETTINGS = {
  AGENT__HEARTBEAT_INTERVAL: "10",
  AGENT__POLLING_INTERVAL: "10",
  AGENT__RESYNC_INTERVAL: "300",
};

async function main(submissions: number): Promise<number> {
  if (!isAvailable("nodes")) {
    console.error(`Cannot measure: there is no ${PARTS["control plane"]} (${ADDED_BY} adds it)`);
    return 1;
  }
  const parts: readonly Part[] = isAvailable("postgres") ? ["postgres", "nodes"] : ["nodes"];
  await using world = await openWorld({ parts, agentSettings: AGENT_SETTINGS });
  const stack = await world.addStack("bench");
  await world.untilApplied(await world.submit(stack, configMap(NAME)));
  using values = valuesOf(world);
  const took: number[] = [];
  for (let turn = 0; turn < submissions; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS + Math.random() * 200));
    const value = `turn ${turn}`;
    const seenMs = values.seen(value);
    const startMs = performance.now();
    await world.submit(stack, configMap(NAME, { value }));
    took.push(await seenMs - startMs);
  }
  return summary(took.sort((a, b) => a - b));
}

/** Watches the cluster: asking again and again would take a processor from what is measured. */
function valuesOf({ cluster }: World) {
  const ending = new AbortController();
  const waiting = new Map<string, (ms: number) => void>();
  const path = "/api/v1/namespaces/default/configmaps";
  cluster.watch(path, ({ metadata, data }) => {
    if (metadata.name === NAME) waiting.get((data as { readonly value: string }).value)?.(performance.now());
  }, ending.signal).catch(() => {});
  return {
    /** When the cluster has the value, on this process's clock. */
    async seen(value: string): Promise<number> {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const why = new Error(`Waited ${DEADLINE_MS} ms in vain until "${value}" was applied`);
      const timer = setTimeout(() => reject(why), DEADLINE_MS);
      waiting.set(value, resolve);
      return await promise.finally(() => clearTimeout(timer));
    },
    [Symbol.dispose]: () => ending.abort(),
  };
}

function summary(sorted: readonly number[]): number {
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
  const [p50, p95] = [at(0.5), at(0.95)];
  const limits = `p50 at most ${P50_MAX_MS} ms, p95 at most ${P95_MAX_MS} ms`;
  const words = `p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, longest ${at(1).toFixed(0)} ms`;
  console.log(`${sorted.length} submissions applied: ${words} (${limits})`);
  if (p50 <= P50_MAX_MS && p95 <= P95_MAX_MS) return 0;
  console.error(`NOT HELD: ${words}`);
  return 1;
}

Deno.exit(await main(Number(Deno.args[0] ?? 100)));
