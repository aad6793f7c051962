/**
 * One write of a stack on a real control plane: alone, and while 64 objects of another stack wait for a webhook that
 * never answers.
 *
 * usage: deno task bench fair [rounds, default 41]
 */
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { type ApiResource, type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import { type ControlPlane, findControlPlane, startControlPlane } from "../cluster/control_plane.ts";
import { countingMetrics } from "../fakes/counting_metrics.ts";
import { silentLog } from "../fakes/silent_log.ts";
import { startSilentWebhook } from "../fakes/silent_webhook.ts";
import { ADDED_BY, PARTS } from "../run/parts.ts";
import { clusterHand } from "../system/cluster_hand.ts";

const RATIO_MAX = 2;
const STUCK = 64;
/** What one stack may have in flight of the 64 that an agent has as shipped. */
const SHARE = 32;
const TIMEOUT_SECONDS = 30;
const NAMESPACES = { stuck: "stuck", quick: "quick" };
const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};

async function main(rounds: number): Promise<number> {
  const binaries = await findControlPlane();
  if (binaries === undefined) {
    console.error(`Cannot measure: there is no ${PARTS["control plane"]} (${ADDED_BY} adds it)`);
    return 1;
  }
  await using control = await startControlPlane(binaries, { controllers: false });
  await using webhook = await startSilentWebhook();
  using hand = await clusterHand(control);
  for (const name of Object.values(NAMESPACES)) await hand.create("/api/v1/namespaces", { metadata: { name } });
  await hand.create(WEBHOOKS, webhook.configuration([NAMESPACES.stuck], TIMEOUT_SECONDS));
  const kubernetes = await open(control);
  await medianMs(kubernetes, { rounds: 10, prefix: "warm" });
  const alone = await medianMs(kubernetes, { rounds, prefix: "alone" });
  const stopping = new AbortController();
  const waiting = Promise.allSettled(
    Array.from(
      { length: STUCK },
      (_, at) => apply(kubernetes, { stack: "stuck", name: `stuck-${at}` }, stopping.signal),
    ),
  );
  while (webhook.asked < SHARE) await new Promise((resolve) => setTimeout(resolve, 20));
  const beside = await medianMs(kubernetes, { rounds, prefix: "beside" });
  const { asked } = webhook;
  stopping.abort();
  await control.stop();
  await waiting;
  kubernetes.close();
  return judge({ alone, beside, asked, rounds });
}

function open({ kubeconfigPath }: ControlPlane): Promise<Kubernetes> {
  const { metrics } = countingMetrics();
  const parts = { metrics, clock: systemClock(), random, log: silentLog(), env: {}, userAgent: "bench/1" };
  return openKubernetes({ kubeconfigPath, ...parts });
}

async function apply(
  kubernetes: Kubernetes,
  { stack, name }: { readonly stack: keyof typeof NAMESPACES; readonly name: string },
  signal?: AbortSignal,
): Promise<void> {
  const metadata = { name, namespace: NAMESPACES[stack] };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { value: "1" } };
  await kubernetes.forStack(stack).apply({ resource: CONFIG_MAPS, ...metadata }, object, { signal });
}

/** Milliseconds of one new object, one after the other. */
async function medianMs(
  kubernetes: Kubernetes,
  { rounds, prefix }: { readonly rounds: number; readonly prefix: string },
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    await apply(kubernetes, { stack: "quick", name: `${prefix}-${round}` });
    times.push(performance.now() - startMs);
  }
  return times.sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0;
}

interface Measured {
  readonly alone: number;
  readonly beside: number;
  /** How often the webhook had been asked when the last write was done: the others were still under way. */
  readonly asked: number;
  readonly rounds: number;
}

function judge({ alone, beside, asked, rounds }: Measured): number {
  const ratio = beside / alone;
  console.log(`one write, median of ${rounds}: alone ${alone.toFixed(2)} ms, beside ${STUCK} that wait for a webhook`);
  console.log(`that never answers (${asked} calls of it so far) ${beside.toFixed(2)} ms: ${ratio.toFixed(2)} times`);
  if (ratio <= RATIO_MAX) return 0;
  console.error(`NOT HELD: it takes more than ${RATIO_MAX} times its own time`);
  return 1;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 41)));
