import assert from "node:assert/strict";
import { newId } from "$lib/ids.ts";
import { type Admin, adminOf } from "../../cluster/admin.ts";
import { type ControlPlane, locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { waitFor } from "../../run/wait.ts";
import { openWorld, type ReconcileWorld, type TestAgent } from "./world.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const VERBS = ["get", "list", "create", "patch", "delete"];

/** A real cluster with two teams' generators, an agent that may act as them, and nobody with more rights than said. */
export interface RightsWorld extends AsyncDisposable {
  readonly control: ControlPlane;
  readonly world: ReconcileWorld;
  readonly agent: TestAgent;
  /** Namespaces of one team each, and who may deliver there. */
  readonly shop: string;
  readonly bank: string;
  readonly teams: { readonly shop: string; readonly bank: string };
  /** Gives a generator rights in a namespace, or takes them away again; resolves when the API server knows. */
  allow(generatorId: string, namespace: string): Promise<void>;
  forbid(generatorId: string, namespace: string): Promise<void>;
}

/** Starts it: each team may deliver ConfigMaps and workloads in its own namespace, and nowhere else. */
export async function openRightsWorld(): Promise<RightsWorld> {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  const control = await startControlPlane(binaries, { nodes: false });
  const admin = await adminOf(control.url, control);
  const agentConfig = `${control.kubeconfigPath}.agent`;
  const world = await openWorld(control.kubeconfigPath, agentConfig);
  const [shop, bank] = [`${world.namespace}-shop`, `${world.namespace}-bank`];
  const teams = { shop: newId(), bank: newId() };
  for (const name of [shop, bank]) await admin.request("POST", "/api/v1/namespaces", { metadata: { name } });
  await makeAgentUser({ admin, control, file: agentConfig }, world.inventory, Object.values(teams));
  const allow = (generatorId: string, namespace: string) => bind(admin, { generatorId, namespace, isAllowed: true });
  await allow(teams.shop, shop);
  await allow(teams.bank, bank);
  return {
    ...{ control, world, shop, bank, teams, allow },
    agent: await world.agent({ impersonatesGenerators: true }),
    forbid: (generatorId, namespace) => bind(admin, { generatorId, namespace, isAllowed: false }),
    async [Symbol.asyncDispose]() {
      world[Symbol.dispose]();
      admin[Symbol.dispose]();
      await control.stop();
    },
  };
}

interface AgentUser {
  readonly admin: Admin;
  readonly control: ControlPlane;
  readonly file: string;
}

/**
 * What the chart gives an agent that acts as generators: to look everywhere, to keep its records, and to act as them.
 */
async function makeAgentUser(
  { admin, control, file }: AgentUser,
  inventory: string,
  generators: readonly string[],
): Promise<void> {
  const account = { kind: "ServiceAccount", name: "agent", namespace: inventory };
  await admin.request("POST", `/api/v1/namespaces/${inventory}/serviceaccounts`, { metadata: { name: "agent" } });
  const users = generators.map((id) => `brokkr:generator:${id}`);
  const rules = [
    { apiGroups: ["*"], resources: ["*"], verbs: ["get", "list", "watch"] },
    { apiGroups: [""], resources: ["users"], resourceNames: users, verbs: ["impersonate"] },
  ];
  await admin.request("POST", `${RBAC}/clusterroles`, { metadata: { name: "agent" }, rules });
  await admin.request("POST", `${RBAC}/clusterrolebindings`, {
    metadata: { name: "agent" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "agent" },
    subjects: [account],
  });
  const where = `${RBAC}/namespaces/${inventory}`;
  const records = [{ apiGroups: [""], resources: ["configmaps", "secrets"], verbs: VERBS }];
  await admin.request("POST", `${where}/roles`, { metadata: { name: "agent" }, rules: records });
  await admin.request("POST", `${where}/rolebindings`, {
    metadata: { name: "agent" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "agent" },
    subjects: [account],
  });
  const user = `system:serviceaccount:${inventory}:agent`;
  await untilSaid(admin, { user, verb: "patch", namespace: inventory, isAllowed: true });
  const path = `/api/v1/namespaces/${inventory}/serviceaccounts/agent/token`;
  const { status: { token } } = await admin.request<{ status: { token: string } }>("POST", path, {
    spec: { expirationSeconds: 3_600 },
  });
  const config = JSON.parse(await Deno.readTextFile(control.kubeconfigPath));
  await Deno.writeTextFile(file, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }));
}

interface Binding {
  readonly generatorId: string;
  readonly namespace: string;
  readonly isAllowed: boolean;
}

async function bind(admin: Admin, { generatorId, namespace, isAllowed }: Binding): Promise<void> {
  const where = `${RBAC}/namespaces/${namespace}`;
  const user = `brokkr:generator:${generatorId}`;
  const name = `deliver-${generatorId}`;
  const rules = [{ apiGroups: ["", "apps"], resources: ["configmaps", "deployments", "pods"], verbs: VERBS }];
  if (isAllowed) {
    await admin.request("POST", `${where}/roles`, { metadata: { name }, rules });
    await admin.request("POST", `${where}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: user }],
    });
  } else for (const kind of ["rolebindings", "roles"]) await admin.request("DELETE", `${where}/${kind}/${name}`);
  await untilSaid(admin, { user, verb: "patch", namespace, isAllowed });
}

interface Question {
  readonly user: string;
  readonly verb: string;
  readonly namespace: string;
  readonly isAllowed: boolean;
}

/** The API server judges by rules that it reads a moment after they are written. */
async function untilSaid(admin: Admin, { user, verb, namespace, isAllowed }: Question): Promise<void> {
  const resourceAttributes = { verb, resource: "configmaps", namespace };
  const ask = () =>
    admin.request<{ status: { allowed: boolean } }>("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      spec: { user, resourceAttributes },
    });
  await waitFor(async () => (await ask()).status.allowed === isAllowed ? true : undefined, {
    what: `see ${user} ${isAllowed ? "allowed" : "forbidden"} to ${verb} in ${namespace}`,
  });
}
