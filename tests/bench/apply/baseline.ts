import type { ControlPlane } from "../../cluster/control_plane.ts";
import { AGENT_METRICS } from "../../../agent/metrics.ts";
import { systemClock } from "$lib/clock.ts";
import { type ApiResource, type Kubernetes, openKubernetes } from "$lib/kubernetes.ts";
import { MANIFEST_CHECKSUM, OWNER_ID, PART_OF, STACK } from "$lib/marks.ts";
import { createRegistry } from "$lib/metrics.ts";
import { silentLog } from "../../fakes/silent_log.ts";

/** Tells the requests of the baseline from the agent's in the audit log. */
export const BASELINE_AGENT = "brokkr-baseline/1";

const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};

/** What the baselines apply. */
export interface Baseline {
  readonly control: ControlPlane;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly data: Readonly<Record<string, string>>;
}

/**
 * What a plain "dry-run each, then apply each" costs, one request after the other, through the door that the agent
 * uses.
 *
 * @returns Milliseconds from the first request to the last answer.
 */
export async function applyOneByOne({ control, namespace, names, data }: Baseline): Promise<number> {
  const kubernetes = await openDoor(control.kubeconfigPath);
  const startMs = performance.now();
  for (const dryRun of [true, false]) {
    for (const name of names) {
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
      await kubernetes.apply({ resource: CONFIG_MAPS, namespace, name }, object, { dryRun });
    }
  }
  const ms = performance.now() - startMs;
  kubernetes.close();
  return ms;
}

/**
 * As much as an agent's marks: what they cost is the API server's time, too. The label by another name: the agent
 * watches whatever carries its own, and what it does for each is none of the bare requests'.
 */
const MARKED = {
  labels: { ["x".repeat(PART_OF.length)]: `applyset-${"x".repeat(43)}-v1` },
  annotations: { [STACK]: "x".repeat(36), [OWNER_ID]: "x".repeat(36), [MANIFEST_CHECKSUM]: "0".repeat(64) },
};

/** Tells the bare requests from the agent's in the audit log. */
const BARE_AGENT = "bare-requests/1";

/**
 * What the API server and Deno's `fetch` take for the same dry runs and writes when nobody does anything beside: all
 * dry runs, then all writes, `inFlight` of them at once over one connection, each answer read as text and thrown away.
 *
 * @returns Milliseconds from the first request to the last answer.
 */
export async function applyAtOnce(
  { control, namespace, names, data, inFlight }: Baseline & { readonly inFlight: number },
): Promise<number> {
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(control.caPath)] });
  const headers = {
    authorization: `Bearer ${control.token}`,
    "content-type": "application/apply-patch+yaml",
    "user-agent": BARE_AGENT,
  };
  async function apply(name: string, query: string): Promise<void> {
    const body = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...MARKED, name, namespace },
      data,
    });
    const path = `/api/v1/namespaces/${namespace}/configmaps/${name}?fieldManager=bare&fieldValidation=Ignore${query}`;
    const response = await fetch(`${control.url}${path}`, { method: "PATCH", client, headers, body });
    await response.text();
    if (response.status !== 201) throw new Error(`A bare request is answered with ${response.status}`);
  }
  async function applyAll(query: string): Promise<void> {
    const left = names.values();
    const takeTurns = async () => {
      for (const name of left) await apply(name, query);
    };
    await Promise.all(Array.from({ length: inFlight }, takeTurns));
  }
  const startMs = performance.now();
  await applyAll("&dryRun=All");
  await applyAll("");
  return performance.now() - startMs;
}

function openDoor(kubeconfigPath: string): Promise<Kubernetes> {
  const clock = systemClock();
  const log = silentLog();
  const { kubernetesOperations, kubernetesDuration } = createRegistry({ clock, log }).register(AGENT_METRICS);
  return openKubernetes({
    ...{ kubeconfigPath, clock, log, env: {}, random: Math.random, userAgent: BASELINE_AGENT },
    metrics: { operations: kubernetesOperations, duration: kubernetesDuration },
  });
}
