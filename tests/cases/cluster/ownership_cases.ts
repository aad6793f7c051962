import assert from "node:assert/strict";
import { type Answer, apply, ask, type CaseCluster, jsonPatch, patch } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps, deployment, deployments } from "./samples.ts";

/** Who owns what: the entries of managedFields after each kind of write, down to items of lists. */
export const ownershipCases: readonly ClusterCase[] = [
  inNamespace("POST makes an entry of all that it wrote and that was filled in", async (cluster, namespace) => {
    const made = await ask(cluster, "POST", `${cronJobs(namespace)}?fieldManager=maker`, { body: cronJob([MAIN]) });

    const [entry, ...others] = made.body.metadata?.managedFields ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual([entry?.manager, entry?.operation, entry?.apiVersion, entry?.fieldsType], [
      "maker",
      "Update",
      "batch/v1",
      "FieldsV1",
    ]);
    assert.match(entry?.time ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const { "f:metadata": metadata, "f:spec": spec } = entry?.fieldsV1 as Record<string, unknown>;
    assert.deepEqual(metadata, { "f:labels": { ".": {}, "f:x": {} } });
    assert.deepEqual(podOf(spec), {
      "f:containers": {
        'k:{"name":"main"}': {
          ".": {},
          "f:env": { ".": {}, 'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} } },
          "f:image": {},
          "f:imagePullPolicy": {},
          "f:name": {},
          "f:ports": {
            ".": {},
            'k:{"containerPort":8080,"protocol":"TCP"}': { ".": {}, "f:containerPort": {}, "f:protocol": {} },
          },
          "f:resources": {},
          "f:terminationMessagePath": {},
          "f:terminationMessagePolicy": {},
        },
      },
      "f:dnsPolicy": {},
      "f:restartPolicy": {},
      "f:schedulerName": {},
      "f:securityContext": {},
      "f:terminationGracePeriodSeconds": {},
    });
  }),
  inNamespace("an apply makes an entry of what its manifest names, and no more", async (cluster, namespace) => {
    const { body } = await apply(cluster, cronJobs(namespace, "nightly"), cronJob([MAIN]));

    const [entry, ...others] = body.metadata?.managedFields ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual(podOf((entry?.fieldsV1 as Record<string, unknown>)["f:spec"]), {
      "f:containers": {
        'k:{"name":"main"}': {
          ".": {},
          "f:env": { 'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} } },
          "f:image": {},
          "f:name": {},
          "f:ports": { 'k:{"containerPort":8080,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
        },
      },
      "f:restartPolicy": {},
    });
  }),
  inNamespace("a write without fieldManager is its user agent's, up to the slash", async (cluster, namespace) => {
    const headers = { "content-type": "application/json", "user-agent": "some-tool/1.2 (linux) x/y" };
    const body = JSON.stringify(configMap("one", { a: "1" }));

    const response = await cluster.fetch(configMaps(namespace), { method: "POST", headers, body });

    const made = await response.json();
    assert.equal(made.metadata.managedFields[0].manager, "some-tool");
  }),
  inNamespace(
    "what a patch or a PUT changes is taken from its owners; what it removes is nobody's",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      await apply(cluster, path, configMap("one", { a: "1", b: "1", c: "1" }));

      await patch(cluster, path, { data: { a: "2", c: "1" } }, "fieldManager=hand");
      const replaced = configMap("one", { a: "2", c: "1", d: "4" });
      const { body } = await ask(cluster, "PUT", `${path}?fieldManager=whole`, { body: replaced });

      assert.deepEqual(ownersOf(body), {
        "case Apply": { "f:data": { "f:c": {} } },
        "hand Update": { "f:data": { "f:a": {} } },
        "whole Update": { "f:data": { "f:d": {} } },
      });
    },
  ),
  inNamespace("an applier that drops a field keeps it where another one applies it too", async (cluster, namespace) => {
    const path = cronJobs(namespace, "nightly");
    const side = { name: "side", image: "registry.example/side:1" };
    await apply(cluster, path, cronJob([MAIN, side]));
    await apply(cluster, path, cronJob([side]), "fieldManager=second");

    const first = await apply(cluster, path, cronJob([MAIN]));
    const second = await apply(cluster, path, cronJob([]), "fieldManager=second");

    assert.deepEqual([namesOf(first), namesOf(second)], [["main", "side"], ["main"]]);
  }),
  inNamespace("an applier drops of an item what it owned; what others put there stays", async (cluster, namespace) => {
    const path = cronJobs(namespace, "nightly");
    const side = { name: "side", image: "registry.example/side:1" };
    await apply(cluster, path, cronJob([MAIN, side]));
    const env = [{ name: "ADDED", value: "1" }];
    await strategicPatch(cluster, path, { containers: [{ name: "main", env }] });

    const { body } = await apply(cluster, path, cronJob([{ name: "main", image: "registry.example/app:1" }]));

    const [container, ...others] = containersOf(body);
    assert.deepEqual([container?.env, others], [env, []]);
  }),
  inNamespace(
    "an item that its applier drops goes with all that updates added to it",
    async (cluster, namespace) => {
      const path = cronJobs(namespace, "nightly");
      const side = { name: "side", image: "registry.example/side:1" };
      await apply(cluster, path, cronJob([MAIN, side]));
      await strategicPatch(cluster, path, { containers: [{ name: "side", env: [{ name: "ADDED", value: "1" }] }] });

      assert.deepEqual(namesOf(await apply(cluster, path, cronJob([MAIN]))), ["main"]);
    },
  ),
  inNamespace("finalizers are owned one by one, a selector as a whole", async (cluster, namespace) => {
    const path = `/api/v1/namespaces/${namespace}/services/web`;
    const service = (finalizers: string[], selector: Record<string, string>) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", finalizers },
      spec: { selector, ports: [{ port: 80 }] },
    });
    await apply(cluster, path, service(["example.com/a", "example.com/b"], { app: "web" }));
    await patch(cluster, path, { metadata: { finalizers: ["example.com/a", "example.com/b", "example.com/c"] } });

    const conflict = await patch(cluster, path, { spec: { selector: { more: "1" } } }, "fieldManager=hand")
      .then(() => apply(cluster, path, service(["example.com/a"], { app: "web" })));
    const forced = await apply(cluster, path, service(["example.com/a"], { app: "web" }), "force=true");
    await patch(cluster, path, { metadata: { finalizers: null } });

    assert.deepEqual(conflict.body.details?.causes, [{
      reason: "FieldManagerConflict",
      message: 'conflict with "hand" using v1',
      field: ".spec.selector",
    }]);
    assert.deepEqual(forced.body.metadata?.finalizers, ["example.com/a", "example.com/c"]);
    assert.deepEqual(forced.body.spec?.selector, { app: "web" });
  }),
  inNamespace("conflicts with several owners are named one by one", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }), "fieldManager=other");
    await patch(cluster, path, { data: { b: "1", c: "1" } }, "fieldManager=hand");

    const { status, body } = await apply(cluster, path, configMap("one", { a: "2", b: "2", c: "2" }));

    assert.equal(status, 409);
    assert.equal(
      body.message,
      'Apply failed with 3 conflicts: conflicts with "hand" using v1:\n- .data.b\n- .data.c\n' +
        'conflicts with "other":\n- .data.a',
    );
  }),
  inNamespace("an apply that names an item twice is refused, a POST owns both as one", async (cluster, namespace) => {
    const twice = cronJob([{ ...MAIN, env: [{ name: "A", value: "1" }, { name: "A", value: "2" }] }]);

    const applied = await apply(cluster, cronJobs(namespace, "nightly"), twice);
    const posted = await ask(cluster, "POST", cronJobs(namespace), { body: twice });

    assert.equal(applied.status, 500);
    assert.match(applied.body.message ?? "", /containers\[name="main"\]\.env: duplicate entries for key \[name="A"\]$/);
    assert.equal(posted.status, 201);
    const entry = (posted.body.metadata?.managedFields?.[0]?.fieldsV1 as Record<string, unknown>)["f:spec"];
    type Containers = { "f:containers": Record<string, Record<string, unknown>> };
    const [container] = Object.values((podOf(entry) as Containers)["f:containers"]);
    assert.deepEqual(container?.["f:env"], { ".": {}, 'k:{"name":"A"}': {} });
  }),
  inNamespace("who scales owns the replicas, under a subresource and without a time", async (cluster, namespace) => {
    const path = deployments(namespace, "web");
    const web = (replicas?: number) =>
      deployment("web", { paused: true, ...(replicas === undefined ? {} : { replicas }) });
    await apply(cluster, path, web(2));

    await patch(cluster, `${path}/scale`, { spec: { replicas: 3 } }, "fieldManager=scaler");
    const conflict = await apply(cluster, path, web(2));
    const left = await apply(cluster, path, web());

    const [cause] = conflict.body.details?.causes ?? [];
    assert.equal(cause?.message, 'conflict with "scaler" with subresource "scale" using apps/v1');
    const entry = left.body.metadata?.managedFields?.find(({ manager }) => manager === "scaler");
    assert.deepEqual([entry?.subresource, entry?.time, entry?.fieldsV1], [
      "scale",
      undefined,
      { "f:spec": { "f:replicas": {} } },
    ]);
    assert.equal(left.body.spec?.replicas, 3);
  }),
  inNamespace(
    "what a patch of managedFields gives up stays when it is no longer applied",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      const made = await apply(cluster, path, configMap("one", { a: "1", b: "2" }));
      const entries = made.body.metadata?.managedFields?.map((entry) => ({
        ...entry,
        fieldsV1: { "f:data": { "f:a": {} } },
      }));

      await jsonPatch(cluster, path, [{ op: "replace", path: "/metadata/managedFields", value: entries }]);
      const { body } = await apply(cluster, path, configMap("one", { a: "1" }));

      assert.deepEqual(body.data, { a: "1", b: "2" });
      assert.deepEqual(ownersOf(body), { "case Apply": { "f:data": { "f:a": {} } } });
    },
  ),
  inNamespace("a status has owners of its own, under its subresource", async (cluster, namespace) => {
    const path = cronJobs(namespace, "nightly");
    await apply(cluster, path, cronJob([MAIN]));

    const status = { lastScheduleTime: "2026-01-01T00:00:00Z" };
    const { body } = await patch(cluster, `${path}/status`, { status, spec: { suspend: false } }, "fieldManager=doer");

    const entry = body.metadata?.managedFields?.find(({ manager }) => manager === "doer");
    assert.deepEqual([entry?.operation, entry?.subresource, entry?.fieldsV1], [
      "Update",
      "status",
      { "f:status": { "f:lastScheduleTime": {} } },
    ]);
    assert.equal(body.spec?.suspend, true);
  }),
  inNamespace("an apply that changes nothing changes no time either", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const first = await apply(cluster, path, configMap("one", { a: "1" }));
    await new Promise((resolve) => setTimeout(resolve, 1_100));

    const second = await apply(cluster, path, configMap("one", { a: "1" }));

    assert.deepEqual(second.body.metadata, first.body.metadata);
  }),
  inNamespace(
    "stringData is owned as it was written, and what is dropped from it stays in data",
    async (cluster, namespace) => {
      const path = `/api/v1/namespaces/${namespace}/secrets/key`;
      const secret = (stringData: Record<string, string>) => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "key" },
        stringData,
      });
      await apply(cluster, path, secret({ a: "1", b: "2" }));

      const { body } = await apply(cluster, path, secret({ a: "1" }));

      assert.deepEqual(body.data, { a: "MQ==", b: "Mg==" });
      assert.deepEqual(ownersOf(body), { "case Apply": { "f:stringData": { "f:a": {} } } });
    },
  ),
];

const MAIN = {
  name: "main",
  image: "registry.example/app:1",
  env: [{ name: "A", value: "1" }],
  ports: [{ containerPort: 8080 }],
};

/** Its controller leaves a suspended one alone, so that nobody else writes. */
function cronJob(containers: unknown[]) {
  const template = { spec: { restartPolicy: "Never", containers } };
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "nightly", labels: { x: "y" } },
    spec: { schedule: "0 0 * * *", suspend: true, jobTemplate: { spec: { template } } },
  };
}

function cronJobs(namespace: string, name?: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/cronjobs${name === undefined ? "" : `/${name}`}`;
}

async function strategicPatch(cluster: CaseCluster, path: string, podSpec: unknown): Promise<Answer> {
  const contentType = "application/strategic-merge-patch+json";
  const body = { spec: { jobTemplate: { spec: { template: { spec: podSpec } } } } };
  return await ask(cluster, "PATCH", `${path}?fieldManager=hand`, { body, contentType });
}

/** `f:jobTemplate` down to the pod's spec. */
function podOf(spec: unknown): unknown {
  type Level = Record<string, Record<string, unknown>>;
  return ["f:jobTemplate", "f:spec", "f:template", "f:spec"].reduce((level, field) => (level as Level)[field], spec);
}

function containersOf(body: Answer["body"]): { name: string; env?: unknown }[] {
  type Spec = { jobTemplate: { spec: { template: { spec: { containers: { name: string; env?: unknown }[] } } } } };
  return (body.spec as unknown as Spec).jobTemplate.spec.template.spec.containers;
}

function namesOf({ body }: Answer): string[] {
  return containersOf(body).map(({ name }) => name);
}

function ownersOf({ metadata }: Answer["body"]): Record<string, unknown> {
  const entries = metadata?.managedFields?.map(({ manager, operation, fieldsV1 }) =>
    [`${manager} ${operation}`, fieldsV1] as const
  );
  return Object.fromEntries(entries ?? []);
}
