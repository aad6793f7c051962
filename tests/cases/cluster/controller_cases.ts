import assert from "node:assert/strict";
import { apply, ask, type CaseCluster, eventually, trueConditions, unique } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { DEFINITIONS, deployment, deployments, widgetDefinition } from "./samples.ts";

/** What a cluster does on its own: it establishes CRDs, and lets Deployments run. */
export const controllerCases: readonly ClusterCase[] = [
  inNamespace("a CRD is established, and then its objects are served", async (cluster, namespace) => {
    const group = await establish(cluster);
    const path = `/apis/${group}/v1/namespaces/${namespace}/widgets/one`;

    const { status, body } = await apply(cluster, path, widget(group, { size: 1 }));
    const discovered = await ask(cluster, "GET", `/apis/${group}/v1`);

    assert.equal(status, 201);
    assert.deepEqual([body.metadata?.generation, body.spec], [1, { size: 1, color: "red" }]);
    const main = discovered.body.resources?.find(({ name }) => name === "widgets");
    assert.deepEqual([main?.kind, main?.namespaced, main?.shortNames], ["Widget", true, ["wd"]]);
    await ask(cluster, "DELETE", `${DEFINITIONS}/widgets.${group}`);
  }),
  inNamespace("a custom resource that breaks its schema is 422 Invalid", async (cluster, namespace) => {
    const group = await establish(cluster);
    const widgets = `/apis/${group}/v1/namespaces/${namespace}/widgets`;

    const missing = await apply(cluster, `${widgets}/one`, widget(group, {}));
    const wrong = await ask(cluster, "POST", widgets, { body: widget(group, { size: "big" }) });

    assert.deepEqual([missing.status, missing.body.reason], [422, "Invalid"]);
    assert.deepEqual(missing.body.details?.causes?.[0], {
      reason: "FieldValueRequired",
      message: "Required value",
      field: "spec.size",
    });
    assert.deepEqual([wrong.status, wrong.body.details?.causes?.[0]?.field], [422, "spec.size"]);
    assert.equal(wrong.body.details?.causes?.[0]?.reason, "FieldValueTypeInvalid");
    const applied = await apply(cluster, `${widgets}/one`, widget(group, { size: "big" }));
    assert.equal(applied.status, 500);
    assert.match(applied.body.message ?? "", /\.spec\.size: expected numeric \(int or float\), got string$/);
    await ask(cluster, "DELETE", `${DEFINITIONS}/widgets.${group}`);
  }),
  inNamespace("an unchanged apply of a custom resource keeps its resourceVersion", async (cluster, namespace) => {
    const group = await establish(cluster);
    const path = `/apis/${group}/v1/namespaces/${namespace}/widgets/one`;

    const first = await apply(cluster, path, widget(group, { size: 1, notes: ["a"] }));
    const second = await apply(cluster, path, widget(group, { size: 1, notes: ["a"] }));
    const third = await apply(cluster, path, widget(group, { size: 1, notes: ["b"] }));

    assert.equal(second.body.metadata?.resourceVersion, first.body.metadata?.resourceVersion);
    assert.deepEqual([third.body.metadata?.generation, third.body.spec?.notes], [2, ["b"]]);
    await ask(cluster, "DELETE", `${DEFINITIONS}/widgets.${group}`);
  }),
  inNamespace("a deleted CRD takes its objects with it, and is no longer served", async (cluster, namespace) => {
    const group = await establish(cluster);
    await apply(cluster, `/apis/${group}/v1/namespaces/${namespace}/widgets/one`, widget(group, { size: 1 }));

    await ask(cluster, "DELETE", `${DEFINITIONS}/widgets.${group}`);

    await eventually(cluster, `${DEFINITIONS}/widgets.${group}`, ({ status }) => status === 404);
    await eventually(cluster, `/apis/${group}/v1/widgets`, ({ status }) => status === 404);
  }),
  {
    name: "a CRD whose name is not its plural and group is 422 Invalid",
    async run(cluster) {
      const definition = widgetDefinition("example.com");
      const named = { ...definition, metadata: { name: "wrong.example.com" } };

      const { status, body } = await apply(cluster, `${DEFINITIONS}/wrong.example.com`, named);

      assert.deepEqual([status, body.reason], [422, "Invalid"]);
      assert.ok(body.details?.causes?.some(({ field }) => field === "metadata.name"));
    },
  },
  inNamespace("a Deployment becomes Available, with a ReplicaSet and its pods", async (cluster, namespace) => {
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 2 }));

    const { body } = await available(cluster, namespace, 2);

    const { observedGeneration, readyReplicas } = body.status as { observedGeneration: number; readyReplicas: number };
    assert.deepEqual([observedGeneration, readyReplicas], [1, 2]);
    const pods = await ask(cluster, "GET", `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dweb`);
    assert.deepEqual(pods.body.items?.map(({ status }) => (status as { phase: string }).phase), ["Running", "Running"]);
  }),
  inNamespace("an available Deployment stands still, whatever becomes of another one", async (cluster, namespace) => {
    const path = deployments(namespace, "web");
    await apply(cluster, path, deployment("web", { replicas: 1 }));
    await available(cluster, namespace, 1);
    const version = async () => (await ask(cluster, "GET", path)).body.metadata?.resourceVersion;

    let [before, after, tries] = [await version(), "", 0];
    for (; before !== after && tries < 30; tries++) {
      after = before ?? "";
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      await apply(
        cluster,
        deployments(namespace, "other"),
        deployment("other", { replicas: 0, minReadySeconds: tries }),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      before = await version();
    }

    assert.equal(before, after);
  }),
  inNamespace("a deleted pod comes back, and another scale is reached", async (cluster, namespace) => {
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 1 }));
    await available(cluster, namespace, 1);
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const [first] = (await ask(cluster, "GET", pods)).body.items ?? [];

    await ask(cluster, "DELETE", `${pods}/${first?.metadata?.name}`);
    await eventually(
      cluster,
      pods,
      ({ body }) => body.items?.length === 1 && body.items[0]?.metadata?.name !== first?.metadata?.name,
    );
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 3 }));

    await available(cluster, namespace, 3);
  }),
  inNamespace("a new template rolls a Deployment to new pods", async (cluster, namespace) => {
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 1 }));
    await available(cluster, namespace, 1);
    const containers = [{ name: "main", image: "registry.example/app:2" }];
    const template = { metadata: { labels: { app: "web" } }, spec: { containers } };

    const { body } = await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 1, template }));

    assert.equal(body.metadata?.generation, 2);
    await eventually(cluster, `/api/v1/namespaces/${namespace}/pods`, (pods) => {
      const images = pods.body.items?.map(({ spec }) => (spec?.containers as { image: string }[])[0]?.image);
      return images?.join() === "registry.example/app:2";
    });
  }),
  inNamespace("a Job runs to its end, and goes when its time to live is over", async (cluster, namespace) => {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/once`;
    const containers = [{ name: "main", image: "registry.example/app:1" }];
    const template = { spec: { restartPolicy: "Never", containers } };
    const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "once" }, spec: { template } };
    await apply(cluster, path, job);

    const done = await eventually(cluster, path, ({ body }) => trueConditions(body).includes("Complete"));
    await apply(cluster, path, { ...job, spec: { ...job.spec, ttlSecondsAfterFinished: 0 } });
    await eventually(cluster, path, ({ status }) => status === 404);

    assert.equal((done.body.status as { succeeded?: number }).succeeded, 1);
  }),
  inNamespace("a deleted Deployment takes its pods with it", async (cluster, namespace) => {
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 1 }));
    await available(cluster, namespace, 1);

    await ask(cluster, "DELETE", deployments(namespace, "web"));

    await eventually(cluster, `/api/v1/namespaces/${namespace}/pods`, ({ body }) => body.items?.length === 0);
  }),
];

async function establish(cluster: CaseCluster): Promise<string> {
  const group = `${unique("case")}.example.com`;
  const definition = widgetDefinition(group);
  await apply(cluster, `${DEFINITIONS}/widgets.${group}`, definition);
  await eventually(cluster, `${DEFINITIONS}/widgets.${group}`, ({ body }) => {
    const conditions = trueConditions(body);
    return conditions.includes("Established") && conditions.includes("NamesAccepted");
  });
  await eventually(cluster, `/apis/${group}/v1/widgets`, ({ status }) => status === 200);
  return group;
}

function widget(group: string, spec: Record<string, unknown>) {
  return { apiVersion: `${group}/v1`, kind: "Widget", metadata: { name: "one" }, spec };
}

async function available(cluster: CaseCluster, namespace: string, replicas: number) {
  return await eventually(cluster, deployments(namespace, "web"), ({ body }) => {
    const { availableReplicas } = (body.status ?? {}) as { availableReplicas?: number };
    return trueConditions(body).includes("Available") && availableReplicas === replicas;
  });
}
