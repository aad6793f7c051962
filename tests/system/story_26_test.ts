import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { bundle, configMap } from "./bundles.ts";
import type { ClusterHand } from "./cluster_hand.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const CORE = "/api/v1/namespaces/default";
const RIGHTS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const RBAC = "rbac.authorization.k8s.io/v1";
const ACCOUNT = { kind: "ServiceAccount", name: "agent", namespace: "default" };
/** Every path from which the story reads what must stay as it is. */
const OWN = [
  `${CORE}/serviceaccounts/agent`,
  `${CORE}/secrets/agent-key`,
  `${RIGHTS}/roles/agent`,
  `${RIGHTS}/rolebindings/agent`,
];

story("26: a bundle can't write the agent's records, nor reach its own pod", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  await makeOwn(world.cluster);
  await world.startAgent({ AGENT__POD_NAME: "agent" });
  const { agentId, cluster } = world;
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
  const root = `${CORE}/configmaps/brokkr-agent-${agentId}`;
  const before = await ownNow(cluster);
  const epoch = (await cluster.get(root))?.metadata.annotations?.["brokkr.io/epoch"];
  assert.ok(epoch !== undefined);

  const refs = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" };
  const attacks: Readonly<Record<string, KubernetesObject>> = {
    "its root": core("ConfigMap", `brokkr-agent-${agentId}`, { data: { forged: "yes" } }),
    "its copy of the snapshot": core("Secret", "brokkr-kept-0123456789abcdef", {}),
    "its Lease": {
      ...{ apiVersion: "coordination.k8s.io/v1", kind: "Lease" },
      metadata: meta(`brokkr-agent-${agentId}`),
      spec: { holderIdentity: "me" },
    },
    "its account": core("ServiceAccount", "agent", {}),
    "its key": core("Secret", "agent-key", { stringData: { pak: "mine" } }),
    "its role": { apiVersion: RBAC, kind: "Role", metadata: meta("agent"), rules: [] },
    "its binding": { apiVersion: RBAC, kind: "RoleBinding", metadata: meta("agent"), roleRef: refs, subjects: [] },
    "more rights": { apiVersion: RBAC, kind: "RoleBinding", metadata: meta("b"), roleRef: refs, subjects: [ACCOUNT] },
    "its Pod": core("Pod", "agent", { spec: { containers: [{ name: "agent", image: "evil" }] } }),
  };
  for (const [what, object] of Object.entries(attacks)) await refused(world, what, object);

  assert.deepEqual(await ownNow(cluster), before);
  assert.equal((await cluster.get(root))?.metadata.annotations?.["brokkr.io/epoch"], epoch);
  assert.equal((await cluster.get(root))?.data, undefined);
  assert.equal(await cluster.get(`${RIGHTS}/rolebindings/b`), undefined);
});

/** What is beside it in the bundle is not applied either, and the report, or the broker, says what was wrong. */
async function refused(world: World, what: string, object: KubernetesObject): Promise<void> {
  const stackId = await world.addStack(what.replaceAll(" ", "-"));
  const submitted = await world.submit(stackId, bundle(configMap("beside"), `${JSON.stringify(object)}\n`));
  await eventually(`${what} is refused`, async () => {
    return (await world.events(submitted.id)).some(({ status, message }) =>
      status === "FAILURE" && message?.includes("is the agent's own") === true
    );
  });
  assert.equal(await world.cluster.get(`${CORE}/configmaps/beside`), undefined, what);
}

/** What an installation makes; the agent of the story runs elsewhere, and is told that this is its Pod. */
async function makeOwn(cluster: ClusterHand): Promise<void> {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "agent" };
  await cluster.create(`${CORE}/serviceaccounts`, core("ServiceAccount", "agent", {}));
  await cluster.create(`${CORE}/secrets`, core("Secret", "agent-key", { data: {} }));
  await cluster.create(`${RIGHTS}/roles`, { apiVersion: RBAC, kind: "Role", metadata: meta("agent"), rules: [] });
  await cluster.create(`${RIGHTS}/rolebindings`, {
    ...{ apiVersion: RBAC, kind: "RoleBinding", metadata: meta("agent"), roleRef },
    subjects: [ACCOUNT],
  });
  const spec = {
    serviceAccountName: "agent",
    volumes: [{ name: "key", secret: { secretName: "agent-key" } }],
    containers: [{ name: "agent", image: "registry.example/brokkr-agent" }],
  };
  await cluster.create(`${CORE}/pods`, core("Pod", "agent", { spec }));
}

async function ownNow(cluster: ClusterHand): Promise<readonly unknown[]> {
  const all = await Promise.all(OWN.map((path) => cluster.get(path)));
  return all.map((object) => [object?.metadata.uid, object?.metadata.resourceVersion]);
}

function core(kind: string, name: string, rest: object): KubernetesObject {
  return { apiVersion: "v1", kind, metadata: meta(name), ...rest };
}

function meta(name: string) {
  return { name, namespace: "default", annotations: { "brokkr.io/adopt": "own" } };
}
