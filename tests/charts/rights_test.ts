import assert from "node:assert/strict";
import type { Admin } from "../cluster/admin.ts";
import { testWith } from "../run/parts.ts";
import { NAMESPACE, openPlace } from "./cluster.ts";
import { at, over } from "./leaves.ts";
import { template } from "./render.ts";
import { agentRelease, installAgent, may, type Resource, WRITES } from "./rights.ts";
import { AGENT_VALUES } from "./samples.ts";

/** What bundles may not hold as shipped, by the reason; `rbac.additionalRules` adds to what they may. */
const NOT_WRITTEN = {
  "made by Kubernetes, its nodes and its drivers": [
    "controllerrevisions.apps",
    "csinodes.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
    "events",
    "events.events.k8s.io",
    "ipaddresses.networking.k8s.io",
    "leases.coordination.k8s.io",
    "nodes",
    "resourceslices.resource.k8s.io",
    "volumeattachments.storage.k8s.io",
  ],
  "rules over everybody's requests, devices or addresses": [
    "apiservices.apiregistration.k8s.io",
    "deviceclasses.resource.k8s.io",
    "flowschemas.flowcontrol.apiserver.k8s.io",
    "mutatingadmissionpolicies.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    "servicecidrs.networking.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
  ],
  "gives rights, or an identity; roles and bindings by rbac.manageRoles": [
    "certificatesigningrequests.certificates.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
  ],
};

testWith(
  ["nodes", "helm"],
  "chart brokkr-agent: what its ServiceAccount may write is what bundles may hold",
  async (test) => {
    await using place = await openPlace();
    const { admin } = place;
    await installAgent(place, {});

    await test.step("as shipped: the kinds of Kubernetes but for those named here, in every namespace", async () => {
      const refused = await refusedWrites(admin, "default");

      assert.deepEqual(refused, Object.values(NOT_WRITTEN).flat().sort());
    });

    await test.step("as shipped: the Lease of its replicas in its own namespace, and no other's", async () => {
      const resource = { name: "leases", group: "coordination.k8s.io" };
      const allowed = async (verb: string, namespace: string) => await may(admin, { verb, resource, namespace });

      for (const verb of ["get", "create", "patch"]) assert.ok(await allowed(verb, NAMESPACE), verb);
      assert.ok(!await allowed("delete", NAMESPACE));
      for (const verb of ["create", "patch", "delete"]) assert.ok(!await allowed(verb, "kube-system"), verb);
    });

    await test.step("with manageRoles: roles and bindings too, and to give rights that it does not have", async () => {
      await place.helm("upgrade", agentRelease(at("rbac.manageRoles", true)));

      const refused = await refusedWrites(admin, "default");

      assert.deepEqual(refused.filter((name) => name.endsWith(".rbac.authorization.k8s.io")), []);
      for (const verb of ["escalate", "bind"]) assert.ok(await may(admin, { verb, resource: CLUSTER_ROLES }));
    });

    await test.step("without clusterWide: nothing but in the namespaces named, and its record", async () => {
      await place.helm("upgrade", agentRelease({ rbac: { clusterWide: false, namespaces: ["default"] } }));

      assert.ok(await may(admin, { verb: "patch", resource: DEPLOYMENTS, namespace: "default" }));
      assert.ok(!await may(admin, { verb: "patch", resource: DEPLOYMENTS, namespace: NAMESPACE }));
      assert.ok(!await may(admin, { verb: "list", resource: DEPLOYMENTS }));
      assert.ok(!await may(admin, { verb: "create", resource: { name: "namespaces", group: "" } }));
      assert.ok(await may(admin, { verb: "patch", resource: { name: "configmaps", group: "" }, namespace: NAMESPACE }));
    });

    await test.step("with impersonateGenerators: to look, to keep its record, and to act as these users", async () => {
      const broker = { ...AGENT_VALUES.broker, generatorIds: [GENERATOR] };
      await place.helm("upgrade", agentRelease({ broker, rbac: { impersonateGenerators: true, manageRoles: true } }));

      const users = { name: "users", group: "" };
      const asked = [
        { verb: "impersonate", resource: users, name: `brokkr:generator:${GENERATOR}` },
        { verb: "impersonate", resource: users, name: "admin" },
        { verb: "impersonate", resource: { name: "groups", group: "" }, name: "system:masters" },
        { verb: "list", resource: DEPLOYMENTS },
        { verb: "patch", resource: DEPLOYMENTS, namespace: "default" },
        { verb: "escalate", resource: CLUSTER_ROLES },
        { verb: "patch", resource: { name: "configmaps", group: "" }, namespace: NAMESPACE },
      ];
      const allowed = await Promise.all(asked.map((question) => may(admin, question)));

      assert.deepEqual(allowed, [true, false, false, true, false, false, true]);
    });

    await test.step("without create: nothing at all", async () => {
      await place.helm("upgrade", agentRelease(at("rbac.create", false)));

      assert.ok(!await may(admin, { verb: "get", resource: { name: "configmaps", group: "" }, namespace: NAMESPACE }));
    });
  },
);

testWith("helm", "chart brokkr-agent is not rendered where it is to act as generators and names none", async () => {
  for (const generatorIds of [[], "", " , "]) {
    const values = over(AGENT_VALUES, { broker: { generatorIds }, rbac: { impersonateGenerators: true } });

    const { code, stderr } = await template("brokkr-agent", values);

    assert.notEqual(code, 0);
    assert.match(stderr, /broker\.generatorIds is required with rbac\.impersonateGenerators/);
  }
});

const DEPLOYMENTS: Resource = { name: "deployments", group: "apps" };
const GENERATOR = "6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a001";
const CLUSTER_ROLES: Resource = { name: "clusterroles", group: "rbac.authorization.k8s.io" };

/** The types that can be made, changed and deleted, but not by the agent. */
async function refusedWrites(admin: Admin, namespace: string): Promise<string[]> {
  const refused: string[] = [];
  for (const { name, group, isNamespaced } of await writableTypes(admin)) {
    const where = isNamespaced ? { namespace } : {};
    const allowed = await Promise.all(WRITES.map((verb) => may(admin, { verb, resource: { name, group }, ...where })));
    if (allowed.some((one) => !one)) refused.push(group === "" ? name : `${name}.${group}`);
  }
  return refused.sort();
}

interface ResourceList {
  readonly resources: readonly { name: string; namespaced: boolean; verbs: readonly string[] }[];
}

async function writableTypes(admin: Admin): Promise<readonly (Resource & { readonly isNamespaced: boolean })[]> {
  const { groups } = await admin.request<{ groups: { name: string; preferredVersion: { groupVersion: string } }[] }>(
    "GET",
    "/apis",
  );
  const roots = [
    { group: "", root: "/api/v1" },
    ...groups.map(({ name, preferredVersion }) => ({ group: name, root: `/apis/${preferredVersion.groupVersion}` })),
  ];
  const lists = await Promise.all(roots.map(async ({ group, root }) => {
    const { resources } = await admin.request<ResourceList>("GET", root);
    return resources
      .filter(({ name, verbs }) => !name.includes("/") && WRITES.every((verb) => verbs.includes(verb)))
      .map(({ name, namespaced }) => ({ name, group, isNamespaced: namespaced }));
  }));
  return lists.flat();
}
