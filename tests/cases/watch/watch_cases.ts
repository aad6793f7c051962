import assert from "node:assert/strict";
import type { ApiResource, ObjectPlace } from "$lib/kubernetes.ts";
import { createDiscovery } from "../../../agent/kube/discovery.ts";
import { createSweep } from "../../../agent/kube/watch/sweep.ts";
import { type WatchWorld, wordsOf } from "./watch_world.ts";

/** What watching must come to on every kind of cluster. */
export interface WatchCase {
  readonly name: string;
  /** On clusters where it cannot be shown, the reason. */
  readonly skipOn?: { readonly simulated?: string; readonly real?: string };
  run(world: WatchWorld): Promise<void>;
}

const CONFIG_MAPS = resource("v1", "ConfigMap", "configmaps");
const SERVICES = resource("v1", "Service", "services");
const DEPLOYMENTS = resource("apps/v1", "Deployment", "deployments");
const JOBS = resource("batch/v1", "Job", "jobs");
const PRIORITY_CLASSES = { ...resource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses"), namespaced: false };

function resource(apiVersion: string, kind: string, name: string): ApiResource {
  return { apiVersion, kind, resource: name, namespaced: true, verbs: [] };
}

/** Where the status of a Service is written. */
function statusOf({ namespace }: WatchWorld, name: string): ObjectPlace {
  return { resource: { ...SERVICES, resource: `services/${name}` }, namespace, name: "status" };
}

function podTemplate(labels: Readonly<Record<string, string>>, spec: Readonly<Record<string, unknown>> = {}) {
  return { metadata: { labels }, spec: { containers: [{ name: "a", image: "registry.k8s.io/pause:3.9" }], ...spec } };
}

function deployment(app: string, pod: Readonly<Record<string, unknown>> = {}) {
  return { spec: { replicas: 2, selector: { matchLabels: { app } }, template: podTemplate({ app }, pod) } };
}

/** What is heard of one thing done by hand to one of several objects. */
function byHand(what: string, expected: string, act: (world: WatchWorld) => Promise<unknown>): WatchCase {
  return {
    name: `${what} is drift, of that object alone`,
    async run(world) {
      await world.apply(CONFIG_MAPS, "config", { data: { a: "1" } });
      await world.apply(CONFIG_MAPS, "untouched", { data: { a: "1" } });
      await world.apply(DEPLOYMENTS, "web", deployment("web"));
      await world.watch(CONFIG_MAPS, DEPLOYMENTS);

      await act(world);
      await world.until(() => world.drifts.length > 0);

      assert.deepEqual(world.drifts, [expected]);
    },
  };
}

/** Changes of what was applied become drift or looks, with the delays of watches alone. */
export const watchCases: readonly WatchCase[] = [
  byHand(
    "a value changed by hand",
    "config",
    ({ kubernetes, place }) => kubernetes.patch(place(CONFIG_MAPS, "config"), { data: { a: "2" } }),
  ),
  byHand(
    "a specification changed by hand",
    "web",
    ({ kubernetes, place }) => kubernetes.patch(place(DEPLOYMENTS, "web"), { spec: { replicas: 3 } }),
  ),
  byHand("a label changed by hand", "web", ({ kubernetes, place }) => {
    return kubernetes.patch(place(DEPLOYMENTS, "web"), { metadata: { labels: { team: "red" } } });
  }),
  byHand("a set's label taken off by hand", "config", ({ kubernetes, place }) => {
    const labels = { "applyset.kubernetes.io/part-of": null };
    return kubernetes.patch(place(CONFIG_MAPS, "config"), { metadata: { labels } });
  }),
  byHand("a deletion by hand", "config", async ({ kubernetes, place }) => {
    const { uid = "" } = (await kubernetes.get(place(CONFIG_MAPS, "config")))?.metadata ?? {};
    await kubernetes.delete(place(CONFIG_MAPS, "config"), { uid });
  }),
  {
    name: "what a person makes of a PriorityClass, whose generation never grows, is drift",
    async run(world) {
      const name = world.namespace;
      await world.apply(PRIORITY_CLASSES, name, { value: 5, description: "ours" });
      await world.watch(PRIORITY_CLASSES);

      await world.kubernetes.patch(world.place(PRIORITY_CLASSES, name), { description: "by hand" });
      await world.until(() => world.drifts.length > 0);

      assert.deepEqual(world.drifts, [name]);
    },
  },
  {
    name: "what controllers do to a Deployment is no drift, and a look at its health",
    async run(world) {
      await world.watch(DEPLOYMENTS);
      await world.apply(DEPLOYMENTS, "web", deployment("web"));
      await world.apply(DEPLOYMENTS, "last", deployment("last"));
      world.lookAtAll();

      await world.until(() => world.news.at(-1)?.health === "healthy");
      await world.kubernetes.patch(world.place(DEPLOYMENTS, "last"), { spec: { replicas: 3 } });
      await world.until(() => world.drifts.length > 0);

      assert.deepEqual(world.drifts, ["last"]);
      assert.deepEqual(world.counts()["list refused"], undefined);
    },
  },
  {
    name: "our own writes are no drift",
    async run(world) {
      await world.watch(CONFIG_MAPS, SERVICES);
      const ports = [{ name: "web", port: 80 }];
      for (const value of ["1", "2", "3"]) {
        await world.apply(CONFIG_MAPS, "config", { data: { value } });
        await world.apply(SERVICES, "web", { spec: { ports, selector: { app: value } } });
      }
      await world.apply(CONFIG_MAPS, "last", { data: {} });

      await world.kubernetes.patch(world.place(CONFIG_MAPS, "last"), { data: { by: "hand" } });
      await world.until(() => world.drifts.length > 0);

      assert.deepEqual(world.drifts, ["last"]);
    },
  },
  {
    name: "the status of a kind without a generation is no drift, and a second edit by the same hand is",
    async run(world) {
      const ports = [{ name: "web", port: 80 }];
      await world.apply(SERVICES, "web", { spec: { type: "LoadBalancer", ports, selector: { app: "web" } } });
      await world.watch(SERVICES);
      const edit = (app: string) =>
        world.kubernetes.patch(world.place(SERVICES, "web"), { spec: { selector: { app } } });

      await world.kubernetes.patch(statusOf(world, "web"), {
        status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
      });
      world.lookAtAll();
      await world.until(() => world.news.at(-1)?.health === "healthy");
      const afterStatus = [...world.drifts];
      for (const times of [1, 2]) {
        await edit(`hand-${times}`);
        await world.until(() => world.drifts.length >= times);
      }

      assert.deepEqual([afterStatus, world.drifts], [[], ["web", "web"]]);
    },
  },
  {
    name: "a Job is healthy when it is complete",
    async run(world) {
      await world.watch(JOBS);
      await world.apply(JOBS, "once", { spec: { template: podTemplate({}, { restartPolicy: "Never" }) } });

      world.lookAtAll();
      await world.until(() => world.news.at(-1)?.health === "healthy");

      assert.deepEqual(world.drifts, []);
    },
  },
  {
    name: "a Deployment whose pods find no node is degraded, and says why",
    skipOn: { simulated: "it has no scheduler" },
    async run(world) {
      await world.watch(DEPLOYMENTS);
      await world.apply(DEPLOYMENTS, "web", deployment("web", { nodeSelector: { none: "such" } }));

      world.lookAtAll();
      await world.until(() => world.news.some(({ health }) => health === "degraded"));

      const words = wordsOf(world.news.at(-1) ?? assert.fail());
      assert.match(words, /^degraded Deployment "web": Unschedulable: 0\/\d+ nodes are available: /);
    },
  },
  {
    name: "a sweep is one list a kind, whoever asks, and knows what is there",
    async run(world) {
      await world.apply(CONFIG_MAPS, "config", { data: {} });
      const web = await world.apply(DEPLOYMENTS, "web", deployment("web"));
      const { signal } = new AbortController();
      const sweep = createSweep({
        kubernetes: world.kubernetes,
        discovery: createDiscovery(world.kubernetes),
        namespacesOf: () => [],
        hasFoldable: () => false,
      }).begin(signal);
      world.counts();

      const kinds = [{ group: "", kind: "ConfigMap" }, { group: "apps", kind: "Deployment" }];
      const swept = await Promise.all([...kinds, ...kinds].map((groupKind) => sweep.list(groupKind, signal)));

      const members = swept.slice(0, 2).flatMap((of) => of.members.get(world.setId) ?? []);
      assert.deepEqual(members.map(({ name }) => name), ["config", "web"]);
      assert.equal(members[1]?.uid, web.metadata.uid);
      assert.equal(world.counts()["list success"], 2);
    },
  },
];
