import assert from "node:assert/strict";
import { apply, ask } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";
import { configMap, configMaps, deployment, deployments } from "./samples.ts";

/** How a cluster says no. */
export const refusalCases: readonly ClusterCase[] = [
  inNamespace("an absent object is 404 NotFound, with name and kind", async (cluster, namespace) => {
    const { status, body } = await ask(cluster, "GET", deployments(namespace, "none"));

    assert.equal(status, 404);
    assert.equal(body.kind, "Status");
    assert.equal(body.status, "Failure");
    assert.equal(body.reason, "NotFound");
    assert.equal(body.code, 404);
    assert.equal(body.message, 'deployments.apps "none" not found');
    assert.deepEqual(body.details, { name: "none", group: "apps", kind: "deployments" });
  }),
  {
    name: "a write into an absent namespace is 404, about the namespace",
    async run(cluster) {
      const answer = await apply(cluster, configMaps("no-such-place", "one"), configMap("one", {}));

      assert.equal(answer.status, 404);
      assert.equal(answer.body.message, 'namespaces "no-such-place" not found');
      assert.deepEqual(answer.body.details, { name: "no-such-place", kind: "namespaces" });
    },
  },
  inNamespace("POST of a present name is 409 AlreadyExists", async (cluster, namespace) => {
    await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", {}) });

    const { status, body } = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", {}) });

    assert.deepEqual([status, body.reason], [409, "AlreadyExists"]);
    assert.equal(body.message, 'configmaps "one" already exists');
  }),
  inNamespace("a bad name is 422 Invalid, with the field as its cause", async (cluster, namespace) => {
    const { status, body } = await ask(cluster, "POST", configMaps(namespace), { body: configMap("Bad_Name", {}) });

    assert.deepEqual([status, body.reason], [422, "Invalid"]);
    assert.match(
      body.message ?? "",
      /^ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123/,
    );
    assert.deepEqual([body.details?.name, body.details?.kind], ["Bad_Name", "ConfigMap"]);
    assert.deepEqual(body.details?.causes?.map(({ reason, field }) => [reason, field]), [[
      "FieldValueInvalid",
      "metadata.name",
    ]]);
  }),
  inNamespace("a bad label is 422 Invalid", async (cluster, namespace) => {
    const labelled = configMap("one", {}, { labels: { x: "not a label!" } });

    const { status, body } = await apply(cluster, configMaps(namespace, "one"), labelled);

    assert.deepEqual([status, body.details?.causes?.[0]?.field], [422, "metadata.labels"]);
  }),
  inNamespace("a Deployment whose selector misses its template is 422 Invalid", async (cluster, namespace) => {
    const body = deployment("web", { selector: { matchLabels: { app: "other" } } });

    const answer = await apply(cluster, deployments(namespace, "web"), body);

    assert.equal(answer.status, 422);
    const [cause] = answer.body.details?.causes ?? [];
    assert.equal(cause?.field, "spec.template.metadata.labels");
    assert.match(cause?.message ?? "", /`selector` does not match template `labels`/);
    assert.equal(answer.body.details?.group, "apps");
  }),
  inNamespace("a Service without ports is 422 Invalid", async (cluster, namespace) => {
    const body = { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { a: "b" } } };

    const answer = await apply(cluster, `/api/v1/namespaces/${namespace}/services/web`, body);

    assert.equal(answer.status, 422);
    assert.equal(answer.body.message, 'Service "web" is invalid: spec.ports: Required value');
  }),
  inNamespace("an apply of a value of the wrong type names its path", async (cluster, namespace) => {
    const { status, body } = await apply(cluster, configMaps(namespace, "one"), configMap("one", { a: 1 }));

    assert.equal(status, 500);
    assert.match(
      body.message ?? "",
      /^failed to create typed patch object .*: \.data\.a: expected string, got &value\.valueUnstructured/,
    );
  }),
  inNamespace("an apply of an unknown field names its path", async (cluster, namespace) => {
    const body = { ...configMap("one", {}), dat: {} };

    const answer = await apply(cluster, configMaps(namespace, "one"), body);

    assert.equal(answer.status, 500);
    assert.match(answer.body.message ?? "", /\.dat: field not declared in schema$/);
  }),
  inNamespace("POST of a value of the wrong type is 400 BadRequest", async (cluster, namespace) => {
    const { status, body } = await ask(cluster, "POST", configMaps(namespace), { body: configMap("one", { a: 1 }) });

    assert.deepEqual([status, body.reason], [400, "BadRequest"]);
    assert.match(body.message ?? "", /cannot unmarshal number into Go struct field ConfigMap\.data of type string/);
  }),
  inNamespace("a name or namespace that differs from the path is 400 BadRequest", async (cluster, namespace) => {
    const named = await apply(cluster, configMaps(namespace, "one"), configMap("two", {}));
    const placed = await apply(cluster, configMaps(namespace, "one"), configMap("one", {}, { namespace: "default" }));

    assert.deepEqual([named.status, named.body.reason], [400, "BadRequest"]);
    assert.deepEqual([placed.status, placed.body.reason], [400, "BadRequest"]);
  }),
  inNamespace("more than 1 MiB in a ConfigMap is 422 Invalid", async (cluster, namespace) => {
    const { status, body } = await apply(
      cluster,
      configMaps(namespace, "big"),
      configMap("big", { a: "x".repeat(1_048_577) }),
    );

    assert.equal(status, 422);
    assert.match(body.message ?? "", /may not be more than 1048576 bytes/);
  }),
  {
    name: "a method that a resource does not have is 405",
    async run(cluster) {
      const { status, body } = await ask(cluster, "DELETE", "/api/v1/namespaces");

      assert.deepEqual([status, body.reason], [405, "MethodNotAllowed"]);
    },
  },
  inNamespace("a patch of an unknown media type is 415", async (cluster, namespace) => {
    const { status, body } = await ask(cluster, "PATCH", configMaps(namespace, "one"), {
      body: {},
      contentType: "text/plain",
    });

    assert.deepEqual([status, body.reason], [415, "UnsupportedMediaType"]);
  }),
  {
    name: "default may not be deleted",
    async run(cluster) {
      const { status, body } = await ask(cluster, "DELETE", "/api/v1/namespaces/default");

      assert.deepEqual([status, body.reason], [403, "Forbidden"]);
    },
  },
];
