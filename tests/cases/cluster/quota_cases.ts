import assert from "node:assert/strict";
import { type Answer, apply, ask, type CaseCluster, eventually } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps } from "./samples.ts";

/** Quotas: they hold once their limits stand in their status, and a raised one a moment after it is raised. */
export const quotaCases: readonly ClusterCase[] = [
  inNamespace("a quota holds once its status has its limits, and counts what is there", async (cluster, namespace) => {
    await ask(cluster, "POST", `/api/v1/namespaces/${namespace}/secrets`, { body: { metadata: { name: "there" } } });
    await raise(cluster, namespace, { "count/secrets": "2" });

    const { body } = await ask(cluster, "GET", quotas(namespace));

    assert.deepEqual((body.status as { used: unknown }).used, { "count/secrets": "1" });
  }),
  inNamespace("a new object over a quota is 403, by apply, POST and dry run", async (cluster, namespace) => {
    await furnished(cluster, namespace);
    await raise(cluster, namespace, { configmaps: "1" });
    const path = configMaps(namespace, "one");

    const applied = await apply(cluster, path, configMap("one", {}));
    const posted = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", {}) });
    const tried = await apply(cluster, path, configMap("one", {}), "dryRun=All");

    assert.deepEqual([applied, posted, tried].map(({ status, body }) => [status, body.reason]), [
      [403, "Forbidden"],
      [403, "Forbidden"],
      [403, "Forbidden"],
    ]);
    assert.equal(
      applied.body.message,
      'configmaps "one" is forbidden: exceeded quota: limits, requested: configmaps=1, used: configmaps=1, limited: configmaps=1',
    );
    assert.deepEqual(applied.body.details, { name: "one", kind: "configmaps" });
  }),
  inNamespace("what a quota has room for again, once it is raised, is taken", async (cluster, namespace) => {
    await furnished(cluster, namespace);
    await raise(cluster, namespace, { configmaps: "1" });
    const refused = await apply(cluster, configMaps(namespace, "one"), configMap("one", {}));

    await raise(cluster, namespace, { configmaps: "2" });
    const taken = await apply(cluster, configMaps(namespace, "one"), configMap("one", {}));
    const changed = await apply(cluster, configMaps(namespace, "one"), configMap("one", { a: "1" }));

    assert.deepEqual([refused.status, taken.status, changed.status], [403, 201, 200]);
  }),
  inNamespace("a quota of computing power wants each container to ask for it", async (cluster, namespace) => {
    await eventually(
      cluster,
      `/api/v1/namespaces/${namespace}/serviceaccounts/default`,
      ({ status }) => status === 200,
    );
    await raise(cluster, namespace, { "requests.cpu": "1" });
    const pod = (resources: unknown) => ({
      metadata: { name: "one" },
      spec: { containers: [{ name: "main", image: "registry.example/app:1", resources }] },
    });
    const pods = `/api/v1/namespaces/${namespace}/pods`;

    const silent = await ask(cluster, "POST", pods, { body: pod({}) });
    const greedy = await ask(cluster, "POST", pods, { body: pod({ requests: { cpu: "1100m" } }) });
    const modest = await ask(cluster, "POST", pods, { body: pod({ requests: { cpu: "100m" } }) });

    assert.match(silent.body.message ?? "", /failed quota: limits: must specify requests\.cpu for: main$/);
    assert.match(
      greedy.body.message ?? "",
      /requested: requests\.cpu=1100m, used: requests\.cpu=0, limited: requests\.cpu=1$/,
    );
    assert.equal(modest.status, 201);
  }),
  inNamespace("a LimitRange is kept as it was written", async (cluster, namespace) => {
    const spec = { limits: [{ type: "Container", default: { cpu: "1" }, defaultRequest: { cpu: "100m" } }] };
    const body = { apiVersion: "v1", kind: "LimitRange", metadata: { name: "one" }, spec };

    const made = await apply(cluster, `/api/v1/namespaces/${namespace}/limitranges/one`, body);

    assert.deepEqual([made.status, made.body.spec], [201, spec]);
  }),
];

function quotas(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/resourcequotas/limits`;
}

/** Applies the quota, and waits until its limits stand in its status. */
async function raise(cluster: CaseCluster, namespace: string, hard: Record<string, string>): Promise<Answer> {
  const body = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "limits" }, spec: { hard } };
  await apply(cluster, quotas(namespace), body);
  return await eventually(cluster, quotas(namespace), ({ body: { status } }) => {
    return JSON.stringify((status as { hard?: unknown } | undefined)?.hard) === JSON.stringify(hard);
  });
}

/** Waits until the one ConfigMap is there that every namespace gets. */
async function furnished(cluster: CaseCluster, namespace: string): Promise<void> {
  await eventually(cluster, configMaps(namespace, "kube-root-ca.crt"), ({ status }) => status === 200);
}
