import assert from "node:assert/strict";
import type { ApiResource } from "$lib/kubernetes.ts";
import { waitFor } from "../../run/wait.ts";
import { yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, DEPLOYMENT, NAMESPACE, type ReconcileWorld } from "./world.ts";

/** A cluster whose agent may give away no more than it has, and bind no role that is not there. */
export interface EscalationWorld {
  readonly world: ReconcileWorld;
  /** Gives the agent what the role {@linkcode MORE} gives; the API server may know a moment later. */
  allowMore(): Promise<void>;
}

/** Something that must hold of an agent of few rights, on every kind of cluster. */
export interface EscalationCase {
  readonly name: string;
  run(escalation: EscalationWorld): Promise<void>;
}

const RBAC = "rbac.authorization.k8s.io";
/** A role of no more than the agent has. */
const READER = "reader";
/** A role of more than the agent has, until it is allowed. */
export const MORE = "more";

/** Accounts, roles, bindings and what uses them, in a namespace of the same bundle. */
export const escalationCases: readonly EscalationCase[] = [
  {
    name: "a namespace, an account, its role and binding, and the workload that uses it come, and go, in one turn each",
    async run({ world: { agent, newStack, hand, namespace } }) {
      const [one, stack, place] = [await agent(), newStack(), `${namespace}-app`];

      const outcome = await one.reconcile(stack, appBundle(place, READER));
      const again = await one.reconcile(stack, appBundle(place, READER));
      const deployed = await hand.get(DEPLOYMENT, "app", place);
      const removed = await one.remove(stack);

      assert.equal(outcome.result, "applied", outcome.message);
      assert.deepEqual(outcome.results.map(({ kind, action }) => `${kind} ${action}`).toSorted(), [
        "ConfigMap created",
        "Deployment created",
        "Namespace created",
        "Role created",
        "RoleBinding created",
        "ServiceAccount created",
      ]);
      assert.equal(accountOf(deployed), "app");
      assert.equal(again.results.some(({ action }) => action !== "unchanged"), false, again.message);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, place), undefined);
    },
  },
  {
    name:
      "a role that gives more than the agent has is refused by name, alone, and nothing of its stage or a later one is written",
    async run({ world: { agent, newStack, hand, namespace }, allowMore }) {
      const [one, stack, place] = [await agent(), newStack(), `${namespace}-app`];

      const refused = await one.reconcile(stack, appBundle(place, MORE));
      const there = [
        await hand.get(NAMESPACE, place),
        await hand.get(ROLES, MORE, place),
        await hand.get(BINDINGS, "app", place),
        await hand.get(CONFIG_MAP, "app", place),
        await hand.get(DEPLOYMENT, "app", place),
      ].map((object) => object?.kind);
      await allowMore();
      const later = await waitFor(async () => {
        const outcome = await one.reconcile(stack, appBundle(place, MORE));
        return outcome.result === "failed" ? undefined : outcome;
      }, { what: "be allowed" });
      const removed = await one.remove(stack);

      assert.deepEqual([refused.result, refused.reason], ["failed", "refused"], refused.message);
      const failed = refused.results.filter(({ action }) => action === "failed");
      assert.deepEqual(failed.map(({ kind, name }) => [kind, name]), [["Role", MORE]], refused.message);
      assert.match(failed[0]?.error ?? "", /is attempting to grant RBAC permissions not currently held/);
      assert.deepEqual(there, ["Namespace", undefined, undefined, undefined, undefined]);
      assert.equal(later.result, "applied", later.message);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
];

const ROLES: ApiResource = { ...rbacType("Role"), resource: "roles" };
const BINDINGS: ApiResource = { ...rbacType("RoleBinding"), resource: "rolebindings" };

function rbacType(kind: string) {
  return { apiVersion: `${RBAC}/v1`, kind, namespaced: true, verbs: [] };
}

/** The last first: the order is the agent's to find. */
function appBundle(namespace: string, role: string): string {
  const labels = { app: "app" };
  const resources = role === MORE ? ["secrets"] : ["configmaps"];
  const template = {
    metadata: { labels },
    spec: { serviceAccountName: "app", containers: [{ name: "app", image: "registry.example/app:1" }] },
  };
  const metadata = { name: "app", namespace };
  return bundleOf(...[
    { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { selector: { matchLabels: labels }, template } },
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "1" } },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name: role },
      subjects: [{ kind: "ServiceAccount", name: "app", namespace }],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "Role",
      metadata: { name: role, namespace },
      rules: [{ apiGroups: [""], resources, verbs: ["get", "list", ...(role === MORE ? ["create"] : [])] }],
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  ].map((object) => yamlOf(object)));
}

function accountOf(deployment: object | undefined): string | undefined {
  const { spec } = deployment as {
    readonly spec: { readonly template: { readonly spec: { serviceAccountName?: string } } };
  };
  return spec.template.spec.serviceAccountName;
}
