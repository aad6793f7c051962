import assert from "node:assert/strict";
import { apply, ask, eventually, unique } from "./ask.ts";
import { type ClusterCase, inNamespace, makeNamespace } from "./cluster_case.ts";

/** What other programs serve or answer for the API server: APIs that are away, and configurations of webhooks. */
export const apiServiceCases: readonly ClusterCase[] = [
  {
    name: "an API whose service is away is discovered, its lists are 503, and a namespace can't end",
    async run(cluster) {
      const [group, namespace] = [`${unique("away")}.example.com`, unique("stuck")];
      const path = `/apis/apiregistration.k8s.io/v1/apiservices/v1.${group}`;
      await makeNamespace(cluster, namespace);
      await apply(cluster, path, apiService(group, namespace));
      try {
        const list = await eventually(
          cluster,
          `/apis/${group}/v1/things?labelSelector=x`,
          ({ status }) => status === 503,
        );
        const [version, one] = [
          await ask(cluster, "GET", `/apis/${group}/v1`),
          await ask(cluster, "GET", `/apis/${group}`),
        ];
        const groups = await ask(cluster, "GET", "/apis");
        const service = await eventually(cluster, path, ({ text }) => text.includes("ServiceNotFound"));
        await ask(cluster, "DELETE", `/api/v1/namespaces/${namespace}`);
        const stuck = await eventually(
          cluster,
          `/api/v1/namespaces/${namespace}`,
          ({ text }) => text.includes("DiscoveryFailed"),
        );

        assert.equal(list.text, "service unavailable\n");
        assert.deepEqual([version.status, one.status], [503, 200]);
        assert.ok(groups.body.groups?.some(({ name }) => name === group));
        assert.deepEqual(service.body.spec?.service, { name: "gone", namespace, port: 443 });
        assert.match(
          stuck.text,
          new RegExp(`Discovery failed for some groups.*${group}/v1: stale GroupVersion discovery`),
        );
      } finally {
        await ask(cluster, "DELETE", path);
      }
      await eventually(cluster, `/api/v1/namespaces/${namespace}`, ({ status }) => status === 404);
    },
  },
  inNamespace("webhooks are owned by name, so that an injector owns its caBundle alone", async (cluster, namespace) => {
    const name = unique("hook");
    const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`;
    try {
      const made = await apply(cluster, path, webhook(name, namespace, "Y2E="));
      const injected = await ask(cluster, "PATCH", `${path}?fieldManager=injector`, {
        contentType: "application/strategic-merge-patch+json",
        body: { webhooks: [{ name: "check.example.com", clientConfig: { caBundle: "Zm9v" } }] },
      });
      const conflict = await apply(cluster, path, webhook(name, namespace, "Y2E="));
      const without = await apply(cluster, path, webhook(name, namespace));

      assert.deepEqual([made.status, made.body.metadata?.generation], [201, 1]);
      const entry = injected.body.metadata?.managedFields?.find(({ manager }) => manager === "injector");
      assert.deepEqual(entry?.fieldsV1, {
        "f:webhooks": { 'k:{"name":"check.example.com"}': { "f:clientConfig": { "f:caBundle": {} } } },
      });
      const field = '.webhooks[name="check.example.com"].clientConfig.caBundle';
      assert.deepEqual([conflict.status, conflict.body.details?.causes?.[0]?.field], [409, field]);
      assert.equal(without.body.metadata?.resourceVersion, injected.body.metadata?.resourceVersion);
      assert.ok(without.text.includes('"caBundle":"Zm9v"'));
    } finally {
      await ask(cluster, "DELETE", path);
    }
  }),
];

function apiService(group: string, namespace: string) {
  return {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: `v1.${group}` },
    spec: {
      group,
      version: "v1",
      service: { name: "gone", namespace },
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
    },
  };
}

/** For a group that is not there, so that it is never called. */
function webhook(name: string, namespace: string, caBundle?: string) {
  const service = { name: "check", namespace, path: "/check" };
  const rules = [{
    apiGroups: ["none.example.com"],
    apiVersions: ["v1"],
    operations: ["CREATE"],
    resources: ["things"],
  }];
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [{
      name: "check.example.com",
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      failurePolicy: "Ignore",
      clientConfig: { service, ...(caBundle === undefined ? {} : { caBundle }) },
      rules,
    }],
  };
}
