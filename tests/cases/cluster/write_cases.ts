import assert from "node:assert/strict";
import { apply, ask, patch } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps, deployment, deployments } from "./samples.ts";

/** Plain writes: create, replace, patch, and the marks they leave. */
export const writeCases: readonly ClusterCase[] = [
  inNamespace("POST creates, with uid, resourceVersion and creationTimestamp", async (cluster, namespace) => {
    const { status, body } = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1" }) });

    assert.equal(status, 201);
    assert.equal(body.metadata?.namespace, namespace);
    assert.match(body.metadata?.uid ?? "", /^[0-9a-f-]{36}$/);
    assert.match(body.metadata?.resourceVersion ?? "", /^\d+$/);
    assert.match(body.metadata?.creationTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }),
  inNamespace("POST makes a name from generateName", async (cluster, namespace) => {
    const body = { metadata: { generateName: "made-" }, data: {} };

    const made = await ask(cluster, "POST", configMaps(namespace), { body });

    assert.match(made.body.metadata?.name ?? "", /^made-[a-z0-9]{5}$/);
  }),
  inNamespace("PUT replaces the whole object", async (cluster, namespace) => {
    await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1", b: "2" }) });

    const { status, body } = await ask(cluster, "PUT", configMaps(namespace, "one"), {
      body: configMap("one", { a: "9" }),
    });

    assert.equal(status, 200);
    assert.deepEqual(body.data, { a: "9" });
  }),
  inNamespace("PUT with an old resourceVersion is 409 Conflict", async (cluster, namespace) => {
    const first = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1" }) });
    await patch(cluster, configMaps(namespace, "one"), { data: { a: "2" } });
    const { resourceVersion } = first.body.metadata ?? {};

    const { status, body } = await ask(cluster, "PUT", configMaps(namespace, "one"), {
      body: configMap("one", { a: "3" }, { resourceVersion }),
    });

    assert.equal(status, 409);
    assert.equal(body.reason, "Conflict");
    assert.match(body.message ?? "", /the object has been modified/);
  }),
  inNamespace("a merge patch adds, changes and, with null, deletes", async (cluster, namespace) => {
    await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1", b: "2" }) });

    const { status, body } = await patch(cluster, configMaps(namespace, "one"), {
      metadata: { labels: { x: "y" } },
      data: { a: null, b: "3", c: "4" },
    });

    assert.equal(status, 200);
    assert.deepEqual(body.data, { b: "3", c: "4" });
    assert.deepEqual(body.metadata?.labels, { x: "y" });
  }),
  inNamespace("a merge patch that changes nothing keeps the resourceVersion", async (cluster, namespace) => {
    const made = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1" }) });

    const { body } = await patch(cluster, configMaps(namespace, "one"), { data: { a: "1" } });

    assert.equal(body.metadata?.resourceVersion, made.body.metadata?.resourceVersion);
  }),
  inNamespace("a JSON patch runs its operations", async (cluster, namespace) => {
    await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1", b: "2" }) });

    const { body } = await ask(cluster, "PATCH", configMaps(namespace, "one"), {
      contentType: "application/json-patch+json",
      body: [{ op: "remove", path: "/data/a" }, { op: "add", path: "/data/c", value: "3" }],
    });

    assert.deepEqual(body.data, { b: "2", c: "3" });
  }),
  inNamespace("a strategic merge patch changes one container by its name", async (cluster, namespace) => {
    await ask(cluster, "POST", deployments(namespace), { body: deployment("web") });
    const containers = [{ name: "main", image: "registry.example/app:2" }];

    const { body } = await ask(cluster, "PATCH", deployments(namespace, "web"), {
      contentType: "application/strategic-merge-patch+json",
      body: { spec: { template: { spec: { containers } } } },
    });

    const [main] = containersOf(body.spec);
    assert.equal(main?.image, "registry.example/app:2");
    assert.equal(main?.ports?.length, 1);
  }),
  inNamespace("the generation counts changes of the spec, and no others", async (cluster, namespace) => {
    const made = await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 0 }));
    const labelled = await patch(cluster, deployments(namespace, "web"), { metadata: { labels: { x: "y" } } });
    const scaled = await patch(cluster, deployments(namespace, "web"), { spec: { paused: true } });

    const generations = [made, labelled, scaled].map(({ body }) => body.metadata?.generation);
    assert.deepEqual(generations, [1, 1, 2]);
  }),
  inNamespace("scale reads and writes the replicas", async (cluster, namespace) => {
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 0 }));

    const { body } = await patch(cluster, `${deployments(namespace, "web")}/scale`, { spec: { replicas: 2 } });

    assert.equal(body.kind, "Scale");
    const live = await ask(cluster, "GET", deployments(namespace, "web"));
    assert.equal(live.body.spec?.replicas, 2);
  }),
  inNamespace("a dry run of POST, patch and DELETE answers and stores nothing", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const made = await ask(cluster, "POST", `${configMaps(namespace)}?dryRun=All`, {
      body: configMap("one", { a: "1" }),
    });
    const after = await ask(cluster, "GET", path);
    await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: "1" }) });
    const patched = await patch(cluster, path, { data: { a: "2" } }, "dryRun=All");
    const deleted = await ask(cluster, "DELETE", `${path}?dryRun=All`);

    const live = await ask(cluster, "GET", path);
    assert.deepEqual([made.status, after.status, patched.status, deleted.status], [201, 404, 200, 200]);
    assert.deepEqual(patched.body.data, { a: "2" });
    assert.deepEqual(live.body.data, { a: "1" });
  }),
  inNamespace("a Secret keeps stringData encoded", async (cluster, namespace) => {
    const body = { metadata: { name: "key" }, stringData: { password: "hello" } };

    const made = await ask(cluster, "POST", `/api/v1/namespaces/${namespace}/secrets`, { body });

    assert.deepEqual(made.body.data, { password: "aGVsbG8=" });
  }),
  inNamespace("empty lists and maps are not kept, quantities are written in one way", async (cluster, namespace) => {
    const resources = { limits: { cpu: "1000m", memory: "1024Mi" }, requests: { cpu: 0.5 } };
    const container = { name: "main", image: "registry.example/app:1", env: [], args: [], resources };
    const template = {
      metadata: { labels: { app: "web" }, annotations: {} },
      spec: { containers: [container], volumes: [], nodeSelector: {}, securityContext: {} },
    };

    const { body } = await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 0, template }));

    type Template = { metadata: unknown; spec: Record<string, unknown> };
    const made = (body.spec as { template: Template }).template;
    const { env, args, resources: kept } = containersOf(body.spec)[0] as unknown as Record<string, unknown>;
    assert.deepEqual([env, args, made.spec.volumes, made.spec.nodeSelector, made.metadata], [
      undefined,
      undefined,
      undefined,
      undefined,
      { labels: { app: "web" } },
    ]);
    assert.deepEqual(made.spec.securityContext, {});
    assert.deepEqual(kept, { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } });
  }),
  ...([
    ["nothing", {}],
    ["nothing in it", { metadata: {} }],
    ["a time that is null", { metadata: { creationTimestamp: null } }],
  ] as const).flatMap(([what, metadata]) =>
    (["POST", "PATCH"] as const).map((method) =>
      inNamespace(`a template has metadata, of which ${what} was in a ${method}`, async (cluster, namespace) => {
        const containers = [{ name: "main", image: "registry.example/app:1" }];
        const job = { template: { ...metadata, spec: { containers, restartPolicy: "Never" } } };
        const spec = { schedule: "0 4 1 1 *", suspend: true, jobTemplate: { ...metadata, spec: job } };
        const body = { apiVersion: "batch/v1", kind: "CronJob", metadata: { name: "yearly" }, spec };
        const path = `/apis/batch/v1/namespaces/${namespace}/cronjobs`;

        const made = method === "POST"
          ? await ask(cluster, method, path, { body })
          : await apply(cluster, `${path}/yearly`, body);

        const { jobTemplate } = made.body.spec as { jobTemplate: { metadata: unknown; spec: typeof job & Templated } };
        assert.deepEqual([jobTemplate.metadata, jobTemplate.spec.template.metadata], [{}, {}]);
      })
    )
  ),
  inNamespace("the metadata of a template stays when what is in it goes", async (cluster, namespace) => {
    const path = `/apis/batch/v1/namespaces/${namespace}/cronjobs/yearly`;
    const template = { spec: { containers: [{ name: "main", image: "a" }], restartPolicy: "Never" } };
    const cronJob = (metadata: object) => ({
      ...{ apiVersion: "batch/v1", kind: "CronJob", metadata: { name: "yearly" } },
      spec: { schedule: "0 4 1 1 *", suspend: true, jobTemplate: { ...metadata, spec: { template } } },
    });
    await apply(cluster, path, cronJob({ metadata: { labels: { a: "b" } } }));

    const { body } = await apply(cluster, path, cronJob({}));

    assert.deepEqual((body.spec as { jobTemplate: { metadata: unknown } }).jobTemplate.metadata, {});
  }),
  inNamespace("a claim is protected once, whoever says so", async (cluster, namespace) => {
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
    const protection = "kubernetes.io/pvc-protection";
    const claim = (name: string, finalizers: readonly string[]) => ({
      ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name, finalizers } },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });

    const made = [
      await ask(cluster, "POST", path, { body: claim("none", []) }),
      await ask(cluster, "POST", path, { body: claim("exported", [protection]) }),
      await apply(cluster, `${path}/applied`, claim("applied", [protection, "story.example/other"])),
    ];

    assert.deepEqual(made.map(({ body }) => body.metadata?.finalizers), [
      [protection],
      [protection],
      [protection, "story.example/other"],
    ]);
  }),
  inNamespace("a Service gets an address and the defaults of its ports", async (cluster, namespace) => {
    const body = { metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80 }] } };

    const made = await ask(cluster, "POST", `/api/v1/namespaces/${namespace}/services`, { body });

    assert.match(String(made.body.spec?.clusterIP), /^\d+\.\d+\.\d+\.\d+$/);
    assert.deepEqual(made.body.spec?.ports, [{ protocol: "TCP", port: 80, targetPort: 80 }]);
  }),
  inNamespace(
    "a Service that is changed to a port of the nodes of another one is refused",
    async (cluster, namespace) => {
      const path = `/api/v1/namespaces/${namespace}/services`;
      const service = (name: string, ports: unknown) => ({
        ...{ apiVersion: "v1", kind: "Service", metadata: { name } },
        spec: { type: "NodePort", ports },
      });
      const first = await apply(cluster, `${path}/first`, service("first", [{ port: 80 }]));
      const taken = first.body.spec?.ports;
      await apply(cluster, `${path}/second`, service("second", [{ port: 80 }]));

      const tried = await apply(cluster, `${path}/second`, service("second", taken), "dryRun=All&force=true");
      const own = await apply(cluster, `${path}/first`, service("first", taken), "dryRun=All&force=true");

      assert.deepEqual([tried.status, own.status], [422, 200]);
      assert.match(tried.body.message ?? "", /nodePort: Invalid value: \d+: provided port is already allocated/);
    },
  ),
];

interface Templated {
  readonly template: { readonly metadata?: unknown };
}

function containersOf(spec: unknown): { image: string; ports?: unknown[] }[] {
  return (spec as { template: { spec: { containers: { image: string; ports?: unknown[] }[] } } }).template.spec
    .containers;
}
