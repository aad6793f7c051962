/**
 * What is changed by hand in a real control plane, until the agent has put it right: seen by watch, with no resync.
 * Edits come one at a time, at moments that have nothing to do with the agent's own.
 *
 * usage: deno task bench drift [edits, default 40]
 */
import { ADDED_BY, isAvailable, type Part, PARTS } from "../run/parts.ts";
import { bundle, configMap, deployment } from "../system/bundles.ts";
import { scrape } from "../system/metrics_page.ts";
import { eventually } from "../system/wait.ts";
import { openWorld, type World } from "../system/world.ts";

const P95_MAX_SECONDS = 3;
const CONFIG_MAPS = 100;
/** As a person: what another program takes back again and again would be left to it. */
const AS_PERSON = "?fieldManager=kubectl-edit";
const WATCHES = 'brokkr_agent_kubernetes_operations_total{operation="watch",result="success"}';
/** Until the agent has looked at what its own last write changed: an edit before that goes with it, and waits less. */
const QUIET_MS = 1_500;
/** As shipped, but for a resync that never comes. */
const AGENT_SETTINGS = {
  AGENT__HEARTBEAT_INTERVAL: "10",
  AGENT__POLLING_INTERVAL: "10",
  AGENT__RESYNC_INTERVAL: "3600",
};

async function main(edits: number): Promise<number> {
  if (!isAvailable("nodes")) {
    console.error(`Cannot measure: there is no ${PARTS["control plane"]} (${ADDED_BY} adds it)`);
    return 1;
  }
  const parts: readonly Part[] = isAvailable("postgres") ? ["postgres", "nodes"] : ["nodes"];
  await using world = await openWorld({ parts, agentSettings: AGENT_SETTINGS });
  await deliver(world);
  const seconds: number[] = [];
  for (let edit = 0; edit < edits; edit += 1) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS + Math.random() * 1_000));
    seconds.push(await (edit % 2 === 0 ? value(world, edit) : specification(world)));
  }
  return summary(seconds.sort((a, b) => a - b));
}

async function deliver(world: World): Promise<void> {
  const names = Array.from({ length: CONFIG_MAPS }, (_, index) => `c${index}`);
  const documents = [...names.map((name) => configMap(name)), deployment("web", { replicas: 1 })];
  await world.untilApplied(await world.submit(await world.addStack("bench"), bundle(...documents)));
  await eventually("both kinds are watched", async () => ((await scrape(world.agent.url)).get(WATCHES) ?? 0) >= 2);
}

async function value({ cluster }: World, edit: number): Promise<number> {
  const path = `/api/v1/namespaces/default/configmaps/c${edit % CONFIG_MAPS}`;
  return await repaired(
    () => cluster.patch(`${path}${AS_PERSON}`, { data: { value: "by hand" } }),
    async () => ((await cluster.get(path))?.data as { readonly value?: string })?.value === "1",
  );
}

async function specification({ cluster }: World): Promise<number> {
  const path = "/apis/apps/v1/namespaces/default/deployments/web";
  return await repaired(
    () => cluster.patch(`${path}${AS_PERSON}`, { spec: { replicas: 2 } }),
    async () => ((await cluster.get(path))?.spec as { readonly replicas?: number })?.replicas === 1,
  );
}

/** Seconds from the edit's answer until the object is as it was. */
async function repaired(edit: () => Promise<void>, isRight: () => Promise<boolean>): Promise<number> {
  await edit();
  const startMs = performance.now();
  await eventually("it is put right", isRight, { seconds: 60, everyMs: 20 });
  return (performance.now() - startMs) / 1_000;
}

function summary(sorted: readonly number[]): number {
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN;
  const p95 = at(0.95);
  const words = [`p50 ${at(0.5).toFixed(2)} s`, `p95 ${p95.toFixed(2)} s`, `longest ${at(1).toFixed(2)} s`];
  console.log(`${sorted.length} edits put right: ${words.join(", ")} (p95 at most ${P95_MAX_SECONDS} s)`);
  if (p95 <= P95_MAX_SECONDS) return 0;
  console.error(`NOT HELD: p95 is ${p95.toFixed(2)} s, more than ${P95_MAX_SECONDS} s`);
  return 1;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 40)));
