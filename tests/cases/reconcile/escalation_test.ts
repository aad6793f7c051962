import assert from "node:assert/strict";
import { type Admin, adminOf } from "../../cluster/admin.ts";
import { type ControlPlane, locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { type SimulatedCluster, startSimulatedCluster } from "../../fakes/cluster/mod.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";
import { escalationCases, MORE } from "./escalation_cases.ts";
import { openWorld } from "./world.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const EVERYTHING = ["get", "list", "watch", "create", "patch", "update", "delete"];

Deno.test("an agent of few rights on the simulated cluster, which plays the check of roles and bindings", async (test) => {
  for (const { name, run } of escalationCases) {
    await test.step(name, async () => {
      await using cluster = await startSimulatedCluster({ controllerDelayMs: 10 });
      using world = await openWorld(cluster.kubeconfigPath);
      let mayMore = false;
      cluster.refuse(({ kind, metadata, roleRef }) => {
        if (kind === "Role" && metadata.name === MORE && !mayMore) return GRANTING;
        const role = (roleRef as { readonly name: string } | undefined)?.name;
        return kind === "RoleBinding" && !isMade(cluster, role) ? `roles "${role}" not found` : undefined;
      });

      await run({ world, allowMore: () => Promise.resolve().then(() => void (mayMore = true)) });
    });
  }
});

testWith("nodes", "an agent of few rights on the real cluster", async (test) => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using control = await startControlPlane(binaries, { nodes: false });
  using admin = await adminOf(control.url, control);
  for (const [index, { name, run }] of escalationCases.entries()) {
    await test.step(name, async () => {
      const user = `few-rights-${index}`;
      const file = await makeUser({ admin, control }, user);
      using world = await openWorld(control.kubeconfigPath, file);

      await run({ world, allowMore: () => give(admin, `${user}-more`, user, [["", ["secrets"]]]) });
    });
  }
});

const GRANTING = 'user "agent" is attempting to grant RBAC permissions not currently held';

/** Whether a role was written, and not only tried. */
function isMade({ requests }: SimulatedCluster, role: string | undefined): boolean {
  return requests.some(({ method, path, status, query }) =>
    method === "PATCH" && path.endsWith(`/roles/${role}`) && status < 300 && !query.includes("dryRun")
  );
}

/** A user of its own who may do everything with what the cases bring, and neither escalate nor bind; its kubeconfig. */
async function makeUser({ admin, control }: { readonly admin: Admin; readonly control: ControlPlane }, name: string) {
  const account = `/api/v1/namespaces/default/serviceaccounts`;
  await admin.request("POST", account, { metadata: { name } });
  await give(admin, name, name, [
    ["", ["namespaces", "configmaps", "serviceaccounts"]],
    ["apps", ["deployments"]],
    ["rbac.authorization.k8s.io", ["roles", "rolebindings"]],
  ]);
  await give(admin, `${name}-looks`, name, [["*", ["*"]]], ["get", "list", "watch"]);
  await untilAllowed(admin, name, { verb: "patch", group: "rbac.authorization.k8s.io", resource: "rolebindings" });
  await untilAllowed(admin, name, { verb: "list", group: "apps", resource: "deployments" });
  const { status: { token } } = await admin.request<{ status: { token: string } }>("POST", `${account}/${name}/token`, {
    spec: { expirationSeconds: 3_600 },
  });
  const config = JSON.parse(await Deno.readTextFile(control.kubeconfigPath));
  const file = `${control.kubeconfigPath}.${name}`;
  await Deno.writeTextFile(file, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }));
  return file;
}

/** The API server judges by rules that it reads a moment after they are written. */
async function untilAllowed(admin: Admin, name: string, resourceAttributes: Readonly<Record<string, string>>) {
  const spec = { user: `system:serviceaccount:default:${name}`, resourceAttributes };
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  await waitFor(async () => {
    const { status } = await admin.request<{ status: { allowed: boolean } }>("POST", path, { spec });
    return status.allowed ? true : undefined;
  }, { what: `see ${name} allowed` });
}

type Kinds = readonly (readonly [group: string, resources: readonly string[]])[];

async function give(admin: Admin, name: string, user: string, kinds: Kinds, verbs = EVERYTHING): Promise<void> {
  const rules = kinds.map(([group, resources]) => ({ apiGroups: [group], resources, verbs }));
  await admin.request("POST", `${RBAC}/clusterroles`, { metadata: { name }, rules });
  await admin.request("POST", `${RBAC}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", name: user, namespace: "default" }],
  });
}
