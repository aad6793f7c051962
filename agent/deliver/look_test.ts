import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { ApiResource, KubernetesObject, ListOptions } from "$lib/kubernetes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { ObjectHealth } from "../kube/health/health.ts";
import { lookAt, type LookMemory, PODS_SPACING_MS } from "./look.ts";

const DEPLOYMENTS: ApiResource = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  resource: "deployments",
  namespaced: true,
  verbs: [],
};
const CRASHING = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-1" },
  status: { containerStatuses: [{ name: "a", state: { waiting: { reason: "CrashLoopBackOff" } } }] },
};

function deployment(ready: number): KubernetesObject {
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: ready };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "n", generation: 1 },
    spec: { selector: { matchLabels: { app: "web" } } },
    status: { ...status, readyReplicas: ready },
  };
}

const AWAY = new Failure("kubernetes_unavailable", "Cannot get: it is away");
const FORBIDDEN = new Failure("kubernetes_rejected", "Cannot get: no", { details: { status: 403 } });

/** Looks at one Deployment; `live` is what each GET answers, `pods` each list, the last one for ever. */
function looking(
  live: readonly (KubernetesObject | undefined | Error)[],
  pods: readonly (readonly KubernetesObject[] | Error)[] = [[]],
) {
  const clock = new ManualClock();
  const lists: (ListOptions & { readonly limit: number })[] = [];
  const forgotten: string[] = [];
  const discovery = { forget: (apiVersion: string) => forgotten.push(apiVersion) };
  let gets = 0;
  const object = {
    place: { resource: DEPLOYMENTS, namespace: "n", name: "web" },
    mayVanish: false,
    verdict: undefined as ObjectHealth | undefined,
    podsMs: -Infinity,
    podTrouble: undefined as ObjectHealth | undefined,
  };
  const kubernetes = {
    get: () => answer(live[Math.min(gets++, live.length - 1)]),
    list: (_: ApiResource, options: ListOptions & { readonly limit: number }) => {
      lists.push(options);
      return answer(pods[Math.min(lists.length, pods.length) - 1] ?? []);
    },
  };
  const signal = new AbortController().signal;
  async function look(changes: Partial<LookMemory> = {}): Promise<string | undefined> {
    const verdict = await lookAt(Object.assign(object, changes), { clock, kubernetes, discovery }, signal);
    object.verdict = verdict ?? object.verdict;
    return verdict && [verdict.health, verdict.reason].filter((word) => word !== undefined).join(": ");
  }
  return { clock, lists, look, forgotten, gets: () => gets, signal };
}

function answer<T>(value: T | Error): Promise<T> {
  return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
}

Deno.test("a look at what is healthy is one GET and no list", async () => {
  const { look, lists, gets } = looking([deployment(1)]);

  assert.equal(await look(), "healthy");

  assert.deepEqual([gets(), lists], [1, []]);
});

Deno.test("a look at a workload that is not healthy asks its pods from the second time on, once in 30 s, and remembers what they said", async () => {
  const { clock, look, lists, signal } = looking([deployment(0)], [[CRASHING], []]);

  const said = [await look(), await look()];
  await clock.advance(PODS_SPACING_MS - 1);
  said.push(await look());
  await clock.advance(1);
  said.push(await look());

  const crashes = 'degraded: CrashLoopBackOff: container "a"';
  const unready = "progressing: 0 of 1 replicas available";
  assert.deepEqual(said, [unready, crashes, crashes, unready]);
  const asked = { namespace: "n", labelSelector: "app=web", limit: 50, signal };
  assert.deepEqual(lists, [asked, asked]);
});

Deno.test("what pods said is forgotten when their workload is healthy", async () => {
  const { look } = looking([0, 0, 1, 0].map(deployment), [[CRASHING]]);
  for (let times = 0; times < 3; times += 1) await look();

  assert.equal(await look(), "progressing: 0 of 1 replicas available");
});

Deno.test("a workload whose pods may not be read is judged by its own status", async () => {
  const { look } = looking([deployment(0)], [FORBIDDEN]);
  await look();

  assert.equal(await look(), "progressing: 0 of 1 replicas available");
});

Deno.test("what is not there may be on its way back at first, and then is not; what may vanish is healthy", async () => {
  const { look } = looking([undefined]);

  const said = [await look(), await look(), await look({ mayVanish: true })];

  assert.deepEqual(said, ["progressing: it is not there", "degraded: it is not there", "healthy"]);
});

Deno.test("an API server that does not answer leaves what was seen last", async () => {
  const { look } = looking([AWAY, deployment(1), AWAY]);

  const said = [await look(), await look(), await look()];

  assert.deepEqual(said, ["unknown: Cannot get: it is away", "healthy", undefined]);
});

Deno.test("what may not be read is unknown", async () => {
  const { look } = looking([deployment(1), FORBIDDEN]);
  await look();

  assert.equal(await look(), "unknown: Cannot get: no");
});

Deno.test("a look has a type looked for anew whose path is not there any more", async () => {
  const unserved = new Failure("kubernetes_rejected", "Cannot get: there is none", { details: { status: 404 } });
  const { look, forgotten } = looking([FORBIDDEN, unserved]);

  await look();
  const before = [...forgotten];
  await look();

  assert.deepEqual([before, forgotten], [[], ["apps/v1"]]);
});
