import assert from "node:assert/strict";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { yamlOf } from "./samples.ts";
import { bundleOf, configMapYaml, type ReconcileWorld, type TestAgent } from "./world.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
/** What the ReplicaSet selects: no controller is to end the Pod, which it did not make. */
const APART = { app: "apart" };
const INSTALLED = { "app.kubernetes.io/name": "brokkr-agent", "app.kubernetes.io/instance": "edge" };

/** What the running agent is made of is out of every bundle's reach. */
export const ownPodCases: readonly ReconcileCase[] = [
  {
    name: "a bundle with anything that the agent's own Pod is made of is a fault, whatever it says of adopting",
    async run(world) {
      const { one, objects } = await inPod(world);
      for (const object of objects) {
        const { kind, metadata: { name } } = object;
        const outcome = await one.reconcile(world.newStack(), bundleOf(configMapYaml("fine", "1"), own(object)));

        assert.equal(outcome.reason, "invalid_bundle", `${kind} "${name}": ${outcome.message}`);
        assert.match(outcome.message, new RegExp(`^document 2, line \\d+: ${kind} "${name}".* is the agent's own$`));
      }
    },
  },
  {
    name: "nothing is gained by another version, a list, or the namespace of those that name none",
    async run(world) {
      const { one, objects } = await inPod(world);
      const account = objects.find(({ kind }) => kind === "ServiceAccount") ?? assert.fail();
      const { namespace: _, ...metadata } = account.metadata;
      const unplaced = { ...account, metadata };
      const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: [unplaced] });
      for (const bundle of [own(unplaced), list]) {
        const { reason, message } = await one.reconcile(world.newStack(), bundle);

        assert.equal(reason, "invalid_bundle", message);
      }
    },
  },
  {
    name: "no bundle gives the agent's account a right, under whatever name, or takes one away",
    async run(world) {
      const { one } = await inPod(world);
      const { namespace } = world;
      const role = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" };
      const subjects = [
        { kind: "ServiceAccount", name: "agent", namespace },
        { kind: "User", name: `system:serviceaccount:${namespace}:agent`, apiGroup: "rbac.authorization.k8s.io" },
        { kind: "ServiceAccount", name: "agent" },
      ];
      for (const [index, subject] of subjects.entries()) {
        const binding = rights("RoleBinding", `more-${index}`, { subjects: [subject], roleRef: role }, namespace);
        const { reason, message } = await one.reconcile(world.newStack(), own(binding));

        assert.equal(reason, "invalid_bundle", message);
      }
    },
  },
  {
    name: "what is only beside the agent's Pod is delivered, with few requests, and none where it stays away",
    async run(world) {
      const { one } = await inPod(world);
      const { namespace } = world;
      const subjects = [{ kind: "ServiceAccount", name: "other", namespace }];
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "other" };
      const labelled = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "alike", labels: INSTALLED } };
      const bundle = bundleOf(
        yamlOf({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "other" } }),
        yamlOf(rights("Role", "other", { rules: [] }, namespace)),
        yamlOf(rights("RoleBinding", "other", { subjects, roleRef }, namespace)),
        yamlOf(labelled),
      );
      const stack = world.newStack();
      const first = await one.reconcile(stack, bundle);
      one.counts();
      const second = await one.reconcile(stack, bundle);
      const asked = one.counts();
      await one.reconcile(world.newStack(), configMapYaml("elsewhere", "1", { namespace: world.inventory }));
      const elsewhere = one.counts();

      assert.equal(first.result, "applied", first.message);
      assert.equal(second.result, "unchanged", second.message);
      assert.deepEqual(Object.keys(asked), ["list success"]);
      assert.equal(elsewhere["get success"], 1, "of its parent, and none of the Pod");
    },
  },
];

interface InPod {
  readonly one: TestAgent;
  /** What its Pod is made of, and what was installed with it. */
  readonly objects: readonly KubernetesObject[];
}

/** An agent in a Pod, installed as the chart does it. */
async function inPod({ hand, namespace, agent }: ReconcileWorld): Promise<InPod> {
  const labels = INSTALLED;
  const account = { kind: "ServiceAccount", name: "agent", namespace };
  const template = {
    serviceAccountName: "agent",
    imagePullSecrets: [{ name: "pull" }],
    volumes: [
      { name: "key", secret: { secretName: "key" } },
      { name: "more", projected: { sources: [{ secret: { name: "projected" } }, { configMap: { name: "mounted" } }] } },
    ],
    containers: [{
      name: "agent",
      image: "brokkr-agent",
      envFrom: [{ secretRef: { name: "settings" } }],
      env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "token", key: "token" } } }],
    }],
  };
  const namespaced = (kind: string, name: string, rest: object = {}, apiVersion = "v1"): KubernetesObject => ({
    ...{ apiVersion, kind, metadata: { name, namespace, labels } },
    ...rest,
  });
  const podLabels = { ...labels, "pod-template-hash": "5f7d9c2b4k" };
  const made = { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: template } };
  const bareRole = `${namespace}-looks`;
  const objects: readonly (readonly [ApiResource, KubernetesObject])[] = [
    [type("v1", "ServiceAccount", "serviceaccounts"), namespaced("ServiceAccount", "agent")],
    ...["key", "pull", "projected", "settings", "token"].map((name) =>
      [type("v1", "Secret", "secrets"), namespaced("Secret", name)] as const
    ),
    [type("v1", "ConfigMap", "configmaps"), namespaced("ConfigMap", "mounted")],
    [type("apps/v1", "Deployment", "deployments"), namespaced("Deployment", "agent", { spec: made }, "apps/v1")],
    [
      type("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
      namespaced("PodDisruptionBudget", "agent", { spec: { selector: { matchLabels: labels } } }, "policy/v1"),
    ],
    [type(RBAC, "Role", "roles"), rights("Role", "keeps", { rules: [] }, namespace)],
    [
      type(RBAC, "RoleBinding", "rolebindings"),
      rights("RoleBinding", "keeps", { subjects: [account], roleRef: refTo("Role", "keeps") }, namespace),
    ],
    [type(RBAC, "ClusterRole", "clusterroles", false), rights("ClusterRole", bareRole, { rules: [] })],
    [
      type(RBAC, "ClusterRoleBinding", "clusterrolebindings", false),
      rights("ClusterRoleBinding", bareRole, { subjects: [account], roleRef: refTo("ClusterRole", bareRole) }),
    ],
  ];
  for (const [resource, object] of objects) await hand.create(resource, object);
  const { metadata: { uid = "" } } = await hand.create(type("apps/v1", "ReplicaSet", "replicasets"), {
    ...{ apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name: "agent-5f7d9c2b4k", namespace } },
    spec: { ...made, selector: { matchLabels: APART }, template: { metadata: { labels: APART }, spec: template } },
  });
  const replicaSet = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "agent-5f7d9c2b4k", uid };
  const meta = { name: "agent-5f7d9c2b4k-x", namespace, labels: podLabels, ownerReferences: [replicaSet] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: meta, spec: template };
  await hand.create(type("v1", "Pod", "pods"), pod);
  const one = await agent({ pod: { namespace, name: pod.metadata.name } });
  return { one, objects: objects.map(([, object]) => withOthers(object)) };
}

/** The same object as somebody would write it who means no good: the agent loses what it had. */
function withOthers(object: KubernetesObject): KubernetesObject {
  return object.kind.endsWith("Binding") ? { ...object, subjects: [] } : object;
}

function own(object: KubernetesObject): string {
  const { labels: _, ...metadata } = object.metadata;
  return yamlOf({ ...object, metadata }, { adopt: "own" });
}

function rights(kind: string, name: string, rest: object, namespace?: string): KubernetesObject {
  return { apiVersion: RBAC, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, ...rest };
}

function refTo(kind: string, name: string) {
  return { apiGroup: "rbac.authorization.k8s.io", kind, name };
}

function type(apiVersion: string, kind: string, resource: string, namespaced = true): ApiResource {
  return { apiVersion, kind, resource, namespaced, verbs: [] };
}
