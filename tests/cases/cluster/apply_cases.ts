import assert from "node:assert/strict";
import { waitFor } from "../../run/wait.ts";
import { type Answer, apply, ask, patch } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps, deployment, deployments } from "./samples.ts";

/** Server-side apply: ownership, removal, conflicts, dry run. */
export const applyCases: readonly ClusterCase[] = [
  inNamespace(
    "an apply creates with 201, changes with 200, and changes nothing when nothing changed",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");

      const created = await apply(cluster, path, configMap("one", { a: "1" }));
      const configured = await apply(cluster, path, configMap("one", { a: "2" }));
      const unchanged = await apply(cluster, path, configMap("one", { a: "2" }));

      assert.deepEqual([created.status, configured.status, unchanged.status], [201, 200, 200]);
      assert.notEqual(versionOf(created), versionOf(configured));
      assert.equal(versionOf(configured), versionOf(unchanged));
    },
  ),
  inNamespace(
    "an unchanged apply of a Deployment keeps the resourceVersion, defaults or not",
    async (cluster, namespace) => {
      const path = deployments(namespace, "web");
      const paused = deployment("web", { replicas: 0, paused: true });
      await apply(cluster, path, paused);

      const after = await waitFor(async () => {
        const before = await ask(cluster, "GET", path);
        const after = await apply(cluster, path, paused);
        // Controllers write to it until they are done.
        return versionOf(after) === versionOf(before) ? after : undefined;
      }, { what: "apply it once more without a write" });

      assert.equal(after.body.metadata?.generation, 1);
    },
  ),
  inNamespace("an apply takes YAML", async (cluster, namespace) => {
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: 'yes'\n";

    const { status, body } = await apply(cluster, configMaps(namespace, "one"), yaml);

    assert.equal(status, 201);
    assert.deepEqual(body.data, { a: "yes" });
  }),
  inNamespace("an apply removes what the manager left out, and leaves what others own", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { mine: "1", gone: "1", shared: "1" }, { labels: { gone: "x" } }));
    await apply(cluster, path, configMap("one", { shared: "1", theirs: "2" }), "fieldManager=other");

    const { body } = await apply(cluster, path, configMap("one", { mine: "1" }));

    assert.deepEqual(body.data, { mine: "1", shared: "1", theirs: "2" });
    assert.equal(body.metadata?.labels, undefined);
  }),
  inNamespace("an apply removes a container and an environment variable by name", async (cluster, namespace) => {
    const path = deployments(namespace, "web");
    const container = (name: string, ...env: string[]) => ({
      name,
      image: "registry.example/app:1",
      env: env.map((variable) => ({ name: variable, value: "1" })),
    });
    await apply(cluster, path, withContainers([container("main", "A", "B"), container("side")]));

    const { body } = await apply(cluster, path, withContainers([container("main", "B")]));

    const names = containersOf(body.spec).map(({ name, env = [] }) => [name, ...env.map((variable) => variable.name)]);
    assert.deepEqual(names, [["main", "B"]]);
  }),
  inNamespace(
    "an apply over a field of another manager is 409, with a cause for each field",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      await apply(cluster, path, configMap("one", { a: "1", b: "1" }), "fieldManager=other");

      const { status, body } = await apply(cluster, path, configMap("one", { a: "2", b: "1" }));

      assert.equal(status, 409);
      assert.equal(body.reason, "Conflict");
      assert.equal(body.message, 'Apply failed with 1 conflict: conflict with "other": .data.a');
      const cause = { reason: "FieldManagerConflict", message: 'conflict with "other"', field: ".data.a" };
      assert.deepEqual(body.details?.causes, [cause]);
    },
  ),
  inNamespace("an apply with force takes the field over", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }), "fieldManager=other");

    const forced = await apply(cluster, path, configMap("one", { a: "2" }), "force=true");
    const lost = await apply(cluster, path, configMap("one", { a: "1" }), "fieldManager=other");

    assert.equal(forced.status, 200);
    assert.deepEqual(forced.body.data, { a: "2" });
    assert.equal(lost.status, 409);
  }),
  inNamespace("an apply puts right what was changed by hand", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }));
    await patch(cluster, path, { data: { a: "changed", extra: "kept" } });

    const { body } = await apply(cluster, path, configMap("one", { a: "1" }), "force=true");

    assert.deepEqual(body.data, { a: "1", extra: "kept" });
  }),
  inNamespace("managedFields tell managers and their fields apart", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }));
    await patch(cluster, path, { data: { b: "2" } }, "fieldManager=hand");

    const { body } = await ask(cluster, "GET", path);

    const entries = body.metadata?.managedFields?.map((
      { manager, operation, fieldsV1 },
    ) => [manager, operation, fieldsV1]);
    assert.deepEqual(entries, [
      ["case", "Apply", { "f:data": { "f:a": {} } }],
      ["hand", "Update", { "f:data": { "f:b": {} } }],
    ]);
  }),
  inNamespace("a dry run of an apply shows the object and stores nothing", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const absent = await apply(cluster, path, configMap("one", { a: "1" }), "dryRun=All");
    const stillAbsent = await ask(cluster, "GET", path);
    const real = await apply(cluster, path, configMap("one", { a: "1" }));
    const differing = await apply(cluster, path, configMap("one", { a: "2" }), "dryRun=All");
    const same = await apply(cluster, path, configMap("one", { a: "1" }), "dryRun=All");

    const live = await ask(cluster, "GET", path);
    assert.deepEqual([absent.status, stillAbsent.status], [201, 404]);
    assert.deepEqual(differing.body.data, { a: "2" });
    assert.equal(versionOf(same), versionOf(real));
    assert.deepEqual(live.body.data, { a: "1" });
  }),
  inNamespace("a dry run of an apply refuses what the apply would", async (cluster, namespace) => {
    const body = deployment("web", { selector: { matchLabels: { app: "other" } } });

    const answer = await apply(cluster, deployments(namespace, "web"), body, "dryRun=All");

    assert.deepEqual([answer.status, answer.body.reason], [422, "Invalid"]);
  }),
  inNamespace("an apply needs a field manager", async (cluster, namespace) => {
    const answer = await ask(cluster, "PATCH", configMaps(namespace, "one"), {
      contentType: "application/apply-patch+yaml",
      body: configMap("one", {}),
    });

    assert.deepEqual([answer.status, answer.body.reason], [422, "Invalid"]);
    assert.match(answer.body.message ?? "", /fieldManager: Required value/);
  }),
  inNamespace("an apply with a uid that is not the live one is 409 Conflict", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", { a: "1" }));
    const uid = crypto.randomUUID();

    const answer = await apply(cluster, path, configMap("one", { a: "2" }, { uid }), "force=true");

    assert.deepEqual([answer.status, answer.body.reason], [422, "Invalid"]);
  }),
];

function versionOf({ body }: Answer): string | undefined {
  return body.metadata?.resourceVersion;
}

function withContainers(containers: unknown[]) {
  const template = { metadata: { labels: { app: "web" } }, spec: { containers } };
  return deployment("web", { replicas: 0, template });
}

function containersOf(spec: unknown): { name: string; env?: { name: string }[] }[] {
  type Workload = { template: { spec: { containers: { name: string; env?: { name: string }[] }[] } } };
  return (spec as Workload).template.spec.containers;
}
