import assert from "node:assert/strict";
import { type DefinitionStatus, isEstablished } from "../../../agent/kube/apply/settling.ts";
import { createRecords } from "../../../agent/kube/records/records.ts";
import { systemClock } from "$lib/clock.ts";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import { waitFor } from "../../run/wait.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { serveThings } from "../../fakes/things_api.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { definition, settled, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, NAMESPACE, type TestAgent } from "./world.ts";

/** APIs that other servers answer for, and that are away. */
export const awayCases: readonly ReconcileCase[] = [
  {
    name: "a namespace stays while an API is away that may have something in it, and the report names that API",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-away`];
      const group = `${namespace}.example`;
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      await hand.create(API_SERVICE, apiService(group));
      await untilSeen(one, group);

      const failed = await one.remove(stack);
      const kept = await hand.get(NAMESPACE, name);
      await hand.remove(API_SERVICE, { name: `v1.${group}` });
      const removed = await waitFor(async () => {
        const outcome = await one.remove(stack);
        assert.equal(outcome.result, "applied", outcome.message);
        return outcome;
      }, { what: "remove the namespace" });

      assert.deepEqual([failed.result, failed.reason], ["failed", "prune_failed"], failed.message);
      assert.match(failed.message, new RegExp(`Namespace "${name}": .*"${group.replaceAll(".", "\\.")}/v1"`));
      assert.equal(kept?.metadata.deletionTimestamp, undefined);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
  {
    name: "what an API of the bundle's own is to serve comes last, and keeps nothing else waiting while that is away",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, other] = [await agent(), newStack(), newStack()];
      const group = `${namespace}.example`;
      const thing = yamlOf({ apiVersion: `${group}/v1`, kind: "Thing", metadata: { name: "thing" } });
      const bundle = (value: string) => bundleOf(thing, yamlOf(apiService(group)), configMapYaml("a", value));
      await one.reconcile(other, configMapYaml("b", "1"));

      const first = await one.reconcile(stack, bundle("1"));
      await untilSeen(one, group);
      const second = await one.reconcile(stack, bundle("2"));
      const removed = await one.remove(other);
      const changed = await hand.get(CONFIG_MAP, "a", namespace);
      const gone = await one.remove(stack);

      assert.match(first.message, /there is no kind "Thing" in ".*" yet, which an APIService of this bundle brings/);
      assert.match(second.message, /its API ".*" does not answer/);
      for (const { result, results } of [first, second]) {
        assert.equal(result, "failed");
        assert.deepEqual(results.filter(({ action }) => action === "failed").map(({ kind }) => kind), ["Thing"]);
      }
      assert.deepEqual(changed?.data, { value: "2" });
      assert.equal(removed.result, "applied", removed.message);
      assert.deepEqual(gone.results.map(({ kind, action }) => [kind, action]), [
        ["APIService", "deleted"],
        ["ConfigMap", "deleted"],
      ]);
    },
  },
  {
    name: "a definition of a version that a server has which is away fails by its name, and comes once that is gone",
    async run({ agent, newStack, hand, namespace }) {
      let looks = 0;
      const impatient = { ...systemClock(), monotonic: () => 60_000 * looks++ }; // a look at it is a minute
      const [one, stack] = [await agent({ clock: impatient }), newStack()];
      const group = `${namespace}.example`;
      const made = definition(group, [{ name: "v1" }]);
      const bundle = yamlOf(made);
      await hand.create(API_SERVICE, apiService(group));
      await untilSeen(one, group);
      await hand.create(TYPES.definitions, made);
      await waitFor(async () => {
        const live = await hand.get(TYPES.definitions, made.metadata.name);
        return isEstablished(live?.status as DefinitionStatus | undefined) ? true : undefined;
      }, { what: "have it established" });

      const shadowed = await one.reconcile(stack, bundle);
      await hand.remove(API_SERVICE, { name: `v1.${group}` });
      const later = await settled(() => one.reconcile(stack, bundle));

      assert.deepEqual([shadowed.result, shadowed.reason], ["failed", "apply_failed"], shadowed.message);
      assert.deepEqual(shadowed.results.map(({ action }) => action), ["configured", "failed"], shadowed.message);
      assert.match(shadowed.message, /CustomResourceDefinition "downs\..*": it is not Established and in discovery/);
      assert.notEqual(later.result, "failed", later.message);
      await one.remove(stack);
    },
  },
  {
    name:
      "of a bundle with an object of an API that is away all the rest is brought, and no other stack's removal waits",
    async run({ agent, newStack, hand, namespace }) {
      const [one, other] = [await agent(), newStack()];
      for (const group of [`${namespace}.sample`, `${namespace}.k8s.io`]) {
        const [stack, name] = [newStack(), group.replaceAll(".", "-")];
        await hand.create(API_SERVICE, apiService(group));
        await untilSeen(one, group);
        await one.reconcile(other, configMapYaml("other", "1"));
        const thing = yamlOf({ apiVersion: `${group}/v1`, kind: "Thing", metadata: { name: "thing" } });

        const outcome = await one.reconcile(stack, bundleOf(thing, configMapYaml(name, "1")));
        const removed = await one.remove(other);
        await hand.remove(API_SERVICE, { name: `v1.${group}` });

        assert.deepEqual(outcome.results.map(({ kind, action }) => [kind, action]), [
          ["ConfigMap", "created"],
          ["Thing", "failed"],
        ], outcome.message);
        assert.match(outcome.message, /its API ".*" does not answer/);
        assert.deepEqual(removed.results.map(({ action }) => action), ["deleted"], removed.message);
      }
    },
  },
  {
    name: "what another server has, whose API is not registered any more, is forgotten by nobody but a person",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, dropping] = [await agent(), newStack(), newStack()];
      const [group, service] = [`${namespace}.example`, { name: "things", namespace: "default" }];
      await using api = await serveThings({ group, service: `things-${namespace}.default` });
      const own = apiService(group, { ...service, name: `things-${namespace}`, port: api.port }, api.caBundle);
      await hand.create(SERVICE, externalService(`things-${namespace}`, api.port));
      await hand.create(API_SERVICE, own);
      const thing = (name: string) => yamlOf({ apiVersion: `${group}/v1`, kind: "Thing", metadata: { name } });
      const brought = await settled(() => one.reconcile(stack, thing("thing")));
      await settled(() => one.reconcile(dropping, bundleOf(thing("dropped"), configMapYaml("a", "1"))));
      await hand.remove(API_SERVICE, { name: `v1.${group}` });
      await untilSeen(one, group, { isThere: false });

      const approval = { revision: 7 };
      const dropped = await one.reconcile(dropping, configMapYaml("a", "2"), { approval });
      const kept = await one.remove(stack, { approval });
      const still = [one.objectsOf(dropping), one.objectsOf(stack)];
      await hand.create(API_SERVICE, own);
      await untilSeen(one, group);
      const removed = await settled(() => one.remove(stack, { approval: { revision: 8 } }));
      await hand.remove(API_SERVICE, { name: `v1.${group}` });
      await untilSeen(one, group, { isThere: false });
      const word = { approval: { revision: 9, approved: 7 } };
      const approved = await one.reconcile(dropping, configMapYaml("a", "2"), word);

      assert.equal(brought.result, "applied", brought.message);
      for (const { result, reason, message } of [dropped, kept]) {
        assert.deepEqual([result, reason], ["blocked", "namespace_not_empty"], message);
        assert.match(message, /Thing "(thing|dropped)" stays in the record: no API "\S+" is registered any more/);
      }
      assert.deepEqual([dropped.heldRevision, kept.heldRevision, still], [7, 7, [2, 1]]);
      assert.equal(removed.result, "applied", removed.message);
      assert.deepEqual([...api.things.keys()], ["dropped"]);
      assert.deepEqual([approved.result, one.objectsOf(dropping)], ["applied", 1], approved.message);
      assert.deepEqual(approved.results.filter(({ kind }) => kind === "Thing").map(({ action }) => action), ["kept"]);
    },
  },
  {
    name: "a record of before that does not say that another server has an object says so after the next turn",
    async run({ agent, newStack, hand, namespace, inventory }) {
      const [one, stack] = [await agent(), newStack()];
      const group = `${namespace}.example`;
      await using api = await serveThings({ group, service: `things-${namespace}.default` });
      const service = { name: `things-${namespace}`, namespace: "default", port: api.port };
      await hand.create(SERVICE, externalService(service.name, api.port));
      await hand.create(API_SERVICE, apiService(group, service, api.caBundle));
      const bundle = yamlOf({ apiVersion: `${group}/v1`, kind: "Thing", metadata: { name: "thing" } });
      const brought = await settled(() => one.reconcile(stack, bundle));
      const { id: agentId, kubernetes } = one;
      const records = createRecords({ agentId, kubernetes, namespace: inventory, log: silentLog() });
      const record = await records.find(stack);
      const objects = record?.objects.map(({ otherServer: _, ...recorded }) => recorded) ?? [];
      if (record !== undefined) await records.write({ ...record, objects });

      const restarted = await one.restarted();
      const unchanged = await restarted.reconcile(stack, bundle);
      await hand.remove(API_SERVICE, { name: `v1.${group}` });
      await untilSeen(one, group, { isThere: false });
      const removed = await restarted.remove(stack, { approval: { revision: 7 } });

      assert.deepEqual(
        [brought.result, unchanged.result],
        ["applied", "unchanged"],
        brought.message + unchanged.message,
      );
      assert.deepEqual([removed.result, removed.reason], ["blocked", "namespace_not_empty"], removed.message);
    },
  },
  {
    name:
      "an unchanged object whose server is away fails no turn, is not taken for one that left, and a changed one waits",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const group = `${namespace}.example`;
      const bundle = (value: string, spec = "1") =>
        bundleOf(
          yamlOf({ apiVersion: `${group}/v1`, kind: "Thing", metadata: { name: "thing" }, spec: { value: spec } }),
          configMapYaml("a", value),
        );
      const api = await serveThings({ group, service: `things-${namespace}.default` });
      const service = { name: `things-${namespace}`, namespace: "default", port: api.port };
      await hand.create(SERVICE, externalService(service.name, api.port));
      await hand.create(API_SERVICE, apiService(group, service, api.caBundle));
      const brought = await settled(() => one.reconcile(stack, bundle("1")));
      await api[Symbol.asyncDispose]();
      const restarted = await one.restarted();
      await waitFor(
        () => restarted.kubernetes.discover(`${group}/v1`).then(() => undefined, () => true),
        { what: "see that the API is away" },
      );

      const rest = await restarted.reconcile(stack, bundle("2"));
      const changed = await restarted.reconcile(stack, bundle("2", "2"));
      await hand.remove(API_SERVICE, { name: `v1.${group}` });

      assert.deepEqual([brought.result, rest.result], ["applied", "applied"], brought.message + rest.message);
      assert.match(rest.message, /Thing\..*; what was applied of it is taken to be as it was/);
      assert.deepEqual([changed.result, changed.reason], ["failed", "refused"], changed.message);
      assert.deepEqual([[...api.things.keys()], restarted.objectsOf(stack)], [["thing"], 2]);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "2" });
    },
  },
];

const SERVICE: ApiResource = { apiVersion: "v1", kind: "Service", resource: "services", namespaced: true, verbs: [] };
const API_SERVICE: ApiResource = {
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  resource: "apiservices",
  namespaced: false,
  verbs: [],
};

interface ServiceName {
  readonly name: string;
  readonly namespace: string;
  readonly port?: number;
}

/** Without a service of its own nothing is behind it. */
function apiService(
  group: string,
  service: ServiceName = { name: "away", namespace: "default" },
  caBundle?: string,
): KubernetesObject {
  const priorities = { groupPriorityMinimum: 100, versionPriority: 100 };
  const trust = caBundle === undefined ? { insecureSkipTLSVerify: true } : { caBundle };
  const spec = { group, version: "v1", ...priorities, ...trust, service };
  const { apiVersion, kind } = API_SERVICE;
  return { apiVersion, kind, metadata: { name: `v1.${group}` }, spec };
}

/** A way out of the cluster, to this machine. */
function externalService(name: string, port: number): KubernetesObject {
  const spec = { type: "ExternalName", externalName: "localhost", ports: [{ port, targetPort: port }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, spec };
}

async function untilSeen({ kubernetes }: TestAgent, group: string, { isThere = true } = {}): Promise<void> {
  await waitFor(async () => {
    const groups = await kubernetes.discoverGroups();
    return groups.some(({ name }) => name === group) === isThere ? true : undefined;
  }, { what: "see which APIs there are" });
}
