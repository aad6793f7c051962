import assert from "node:assert/strict";
import { type Answer, apply, ask, patch } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps, deployment, deployments } from "./samples.ts";

/** What can't change, and how each kind says so: 422 with the field, for a dry run too. */
export const immutableCases: readonly ClusterCase[] = [
  inNamespace("a Job's template is immutable, in a message of many structs", async (cluster, namespace) => {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/once`;
    await apply(cluster, path, job("registry.example/app:1"));

    const changed = await apply(cluster, path, job("registry.example/app:2"), "dryRun=All&force=true");
    const completions = await apply(cluster, path, job("registry.example/app:1", { completions: 3 }), "force=true");

    assert.deepEqual([changed.status, causesOf(changed)], [422, [["FieldValueInvalid", "spec.template.spec"]]]);
    const [cause] = changed.body.details?.causes ?? [];
    assert.match(cause?.message ?? "", /^Invalid value: \{"Volumes":null,.*\}: field is immutable$/);
    assert.ok((cause?.message ?? "").length > 1_000);
    assert.equal(
      completions.body.message,
      'Job.batch "once" is invalid: spec.completions: Invalid value: 3: field is immutable',
    );
  }),
  inNamespace(
    "a dry-run POST under generateName tells a manifest's fault from a change's",
    async (cluster, namespace) => {
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
      await apply(cluster, `${path}/once`, job("registry.example/app:1"));
      const generated = (image: string) => ({ ...job(image), metadata: { generateName: "once-" } });

      const taken = await ask(cluster, "POST", `${path}?dryRun=All`, { body: generated("registry.example/app:2") });
      const refused = await ask(cluster, "POST", `${path}?dryRun=All`, { body: generated("") });
      const list = await ask(cluster, "GET", path);

      assert.deepEqual([taken.status, refused.status, list.body.items?.length], [201, 422, 1]);
      assert.match(taken.body.metadata?.name ?? "", /^once-[a-z0-9]{5}$/);
    },
  ),
  inNamespace("a Job selects its pods by its uid, in labels that nobody owns", async (cluster, namespace) => {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/once`;

    const { body } = await apply(cluster, path, job("registry.example/app:1"));

    const { uid, labels, managedFields } = body.metadata ?? {};
    assert.equal(labels?.["batch.kubernetes.io/job-name"], "once");
    assert.deepEqual(body.spec?.selector, { matchLabels: { "batch.kubernetes.io/controller-uid": uid } });
    assert.equal(JSON.stringify(managedFields?.[0]?.fieldsV1).includes("labels"), false);
  }),
  inNamespace("a claim's spec is immutable, its size before it is bound too", async (cluster, namespace) => {
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/disk`;
    await apply(cluster, path, claim("ReadWriteOnce", "1Gi"));

    const mode = await apply(cluster, path, claim("ReadOnlyMany", "1Gi"));
    const size = await apply(cluster, path, claim("ReadWriteOnce", "2Gi"));

    assert.deepEqual([mode.status, causesOf(mode)], [422, [["FieldValueForbidden", "spec"]]]);
    assert.deepEqual([size.status, causesOf(size)], [422, [["FieldValueForbidden", "spec"]]]);
    const rule =
      /^Forbidden: spec is immutable after creation except resources\.requests and volumeAttributesClassName/;
    assert.match(mode.body.details?.causes?.[0]?.message ?? "", rule);
  }),
  inNamespace("a StatefulSet's other fields are forbidden to change", async (cluster, namespace) => {
    const path = `/apis/apps/v1/namespaces/${namespace}/statefulsets/set`;
    await apply(cluster, path, statefulSet({}));

    const refused = await apply(cluster, path, statefulSet({ podManagementPolicy: "Parallel" }));
    const allowed = await apply(cluster, path, statefulSet({ minReadySeconds: 3 }));

    assert.equal(allowed.status, 200);
    assert.equal(
      refused.body.message,
      'StatefulSet.apps "set" is invalid: spec: Forbidden: updates to statefulset spec for fields other than ' +
        "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', " +
        "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    );
  }),
  inNamespace("a Service keeps its address, left out or not", async (cluster, namespace) => {
    const path = `/api/v1/namespaces/${namespace}/services/web`;
    const made = await apply(cluster, path, service({}));

    const refused = await apply(cluster, path, service({ clusterIP: "None" }), "force=true");
    const kept = await apply(cluster, path, service({ ports: [{ port: 81 }] }));
    const put = { ...service({ ports: [{ port: 82 }] }), metadata: { name: "web" } };
    const replaced = await ask(cluster, "PUT", path, { body: put });

    assert.equal(
      refused.body.message,
      'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
    );
    assert.deepEqual([kept, replaced].map(({ body }) => body.spec?.clusterIP), [
      made.body.spec?.clusterIP,
      made.body.spec?.clusterIP,
    ]);
  }),
  inNamespace("an immutable ConfigMap or Secret keeps its content and its mark", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "key" },
      data: { a: "MQ==" },
      immutable: true,
    };
    const secretPath = `/api/v1/namespaces/${namespace}/secrets/key`;
    await apply(cluster, path, { ...configMap("one", { a: "1" }), immutable: true });
    await apply(cluster, secretPath, secret);

    const content = await apply(cluster, path, { ...configMap("one", { a: "2" }), immutable: true });
    const mark = await apply(cluster, path, configMap("one", { a: "1" }));
    const binary = await patch(cluster, path, { binaryData: { b: "AAE=" } });
    const key = await apply(cluster, secretPath, { ...secret, data: { a: "Mg==" } });
    const labelled = await patch(cluster, path, { metadata: { labels: { x: "y" } } });

    assert.deepEqual([content, mark, binary, key].map(causesOf), [
      [["FieldValueForbidden", "data"]],
      [["FieldValueForbidden", "immutable"]],
      [["FieldValueForbidden", "binaryData"]],
      [["FieldValueForbidden", "data"]],
    ]);
    assert.equal(labelled.status, 200);
  }),
  inNamespace("a binding's role and a Deployment's selector are fixed", async (cluster, namespace) => {
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/bound`;
    await apply(cluster, path, binding("first"));
    await apply(cluster, deployments(namespace, "web"), deployment("web", { replicas: 0, paused: true }));

    const role = await apply(cluster, path, binding("second"));
    const selector = await patch(cluster, deployments(namespace, "web"), {
      spec: { selector: { matchLabels: { app: "x" } }, template: { metadata: { labels: { app: "x" } } } },
    });

    assert.match(
      role.body.message ?? "",
      /^RoleBinding\.rbac\.authorization\.k8s\.io "bound" is invalid: roleRef: Invalid/,
    );
    assert.match(role.body.message ?? "", /: cannot change roleRef$/);
    assert.deepEqual(causesOf(selector), [["FieldValueInvalid", "spec.selector"]]);
  }),
  inNamespace(
    "an object that is being deleted can be applied, but gets no new finalizers",
    async (cluster, namespace) => {
      const path = configMaps(namespace, "one");
      const finalizers = ["example.com/wait"];
      await apply(cluster, path, configMap("one", { a: "1" }, { finalizers }));
      await ask(cluster, "DELETE", path);

      const applied = await apply(cluster, path, configMap("one", { a: "2" }, { finalizers }));
      const more = await apply(
        cluster,
        path,
        configMap("one", {}, { finalizers: [...finalizers, "example.com/more"] }),
      );
      const posted = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", {}) });
      const dropped = await apply(cluster, path, configMap("one", { a: "3" }));
      const gone = await ask(cluster, "GET", path);

      assert.deepEqual([applied.status, applied.body.data], [200, { a: "2" }]);
      assert.match(applied.body.metadata?.deletionTimestamp ?? "", /Z$/);
      assert.equal(more.status, 422);
      assert.match(more.body.message ?? "", /no new finalizers can be added if the object is being deleted/);
      assert.equal(posted.body.message, 'object is being deleted: configmaps "one" already exists');
      assert.deepEqual([dropped.status, gone.status], [200, 404]);
    },
  ),
  inNamespace("binary content is kept as it is, and counts decoded up to 1 MiB", async (cluster, namespace) => {
    const secrets = `/api/v1/namespaces/${namespace}/secrets`;
    const content = (sizeBytes: number) => btoa("x".repeat(sizeBytes));
    const secret = (name: string, a: string) => ({ apiVersion: "v1", kind: "Secret", metadata: { name }, data: { a } });

    const binary = { ...configMap("one", { text: "1" }), binaryData: { raw: "AAECAwQF/w==" } };
    const map = await apply(cluster, configMaps(namespace, "one"), binary);
    const full = await apply(cluster, `${secrets}/full`, secret("full", content(1_048_576)));
    const over = await apply(cluster, `${secrets}/over`, secret("over", content(1_048_577)));
    const twice = await patch(cluster, configMaps(namespace, "one"), { binaryData: { text: "AAE=" } });
    const posted = await ask(cluster, "POST", secrets, { body: secret("bad", "!!") });
    const applied = await apply(cluster, `${secrets}/bad`, secret("bad", "!!"));

    assert.deepEqual((map.body as { binaryData?: unknown }).binaryData, { raw: "AAECAwQF/w==" });
    assert.deepEqual([full.status, over.status, causesOf(over)], [201, 422, [["FieldValueTooLong", "data"]]]);
    assert.deepEqual(causesOf(twice), [["FieldValueInvalid", "data[text]"]]);
    assert.deepEqual([posted.status, applied.status], [400, 500]);
    assert.match(posted.body.message ?? "", /illegal base64 data at input byte 0$/);
  }),
];

function causesOf({ body }: Answer): unknown[] | undefined {
  return body.details?.causes?.map(({ reason, field }) => [reason, field]);
}

/** Suspended, so that its controller makes no pods. */
function job(image: string, more: Record<string, unknown> = {}) {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } };
  const metadata: { name?: string } = { name: "once" };
  return { apiVersion: "batch/v1", kind: "Job", metadata, spec: { suspend: true, template, ...more } };
}

function claim(mode: string, storage: string) {
  const spec = { accessModes: [mode], resources: { requests: { storage } } };
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "disk" }, spec };
}

function statefulSet(more: Record<string, unknown>) {
  const template = {
    metadata: { labels: { app: "set" } },
    spec: { containers: [{ name: "main", image: "registry.example/app:1" }] },
  };
  const spec = { replicas: 0, serviceName: "set", selector: { matchLabels: { app: "set" } }, template, ...more };
  return { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "set" }, spec };
}

function service(more: Record<string, unknown>) {
  const spec = { selector: { app: "web" }, ports: [{ port: 80 }], ...more };
  return { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec };
}

function binding(name: string) {
  const apiGroup = "rbac.authorization.k8s.io";
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: "RoleBinding",
    metadata: { name: "bound" },
    roleRef: { apiGroup, kind: "Role", name },
    subjects: [],
  };
}
