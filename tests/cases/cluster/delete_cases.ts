import assert from "node:assert/strict";
import { apply, ask, eventually, patch, unique } from "./ask.ts";
import { type ClusterCase, inNamespace, makeNamespace } from "./cluster_case.ts";
import { configMap, configMaps } from "./samples.ts";

/** Deletion: preconditions, finalizers, namespaces, owners. */
export const deleteCases: readonly ClusterCase[] = [
  inNamespace("DELETE answers with a Status that names the uid; a second one is 404", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const made = await apply(cluster, path, configMap("one", {}));

    const first = await ask(cluster, "DELETE", path);
    const second = await ask(cluster, "DELETE", path);

    assert.deepEqual([first.status, first.body.kind, first.body.status], [200, "Status", "Success"]);
    assert.equal(first.body.details?.uid, made.body.metadata?.uid);
    assert.equal(second.status, 404);
  }),
  inNamespace(
    "DELETE of some kinds answers with the object; a Job stays for its pods' sake",
    async (cluster, namespace) => {
      const service = { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } };
      const template = {
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "registry.example/app:1" }] },
      };
      const job = { metadata: { name: "once" }, spec: { suspend: true, template } };
      const [core, batch] = [`/api/v1/namespaces/${namespace}`, `/apis/batch/v1/namespaces/${namespace}`];
      await ask(cluster, "POST", `${core}/services`, { body: service });
      await ask(cluster, "POST", `${core}/serviceaccounts`, { body: { metadata: { name: "account" } } });
      await ask(cluster, "POST", `${batch}/jobs`, { body: job });

      const gone = [
        await ask(cluster, "DELETE", `${core}/services/web`),
        await ask(cluster, "DELETE", `${core}/serviceaccounts/account`),
      ];
      const orphaning = await ask(cluster, "DELETE", `${batch}/jobs/once`);
      await eventually(cluster, `${batch}/jobs/once`, ({ status }) => status === 404);

      assert.deepEqual(gone.map(({ body }) => body.kind), ["Service", "ServiceAccount"]);
      assert.deepEqual([orphaning.body.kind, orphaning.body.metadata?.finalizers], ["Job", ["orphan"]]);
    },
  ),
  inNamespace("DELETE with the uid of another object is 409, and deletes nothing", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const made = await apply(cluster, path, configMap("one", {}));
    const wrong = { preconditions: { uid: crypto.randomUUID() } };
    const right = { preconditions: { uid: made.body.metadata?.uid } };

    const refused = await ask(cluster, "DELETE", path, { body: wrong });
    const there = await ask(cluster, "GET", path);
    const deleted = await ask(cluster, "DELETE", path, { body: right });

    assert.deepEqual([refused.status, refused.body.reason], [409, "Conflict"]);
    assert.match(refused.body.message ?? "", /the UID in the precondition .* does not match the UID in record/);
    assert.deepEqual([there.status, deleted.status], [200, 200]);
  }),
  inNamespace("DELETE with an old resourceVersion is 409", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    const made = await apply(cluster, path, configMap("one", {}));
    await patch(cluster, path, { data: { a: "1" } });
    const { resourceVersion } = made.body.metadata ?? {};

    const { status, body } = await ask(cluster, "DELETE", path, { body: { preconditions: { resourceVersion } } });

    assert.deepEqual([status, body.reason], [409, "Conflict"]);
  }),
  inNamespace("a finalizer keeps a deleted object until it is taken off", async (cluster, namespace) => {
    const path = configMaps(namespace, "one");
    await apply(cluster, path, configMap("one", {}, { finalizers: ["example.com/wait"] }));

    const marked = await ask(cluster, "DELETE", path);
    const kept = await ask(cluster, "GET", path);
    await patch(cluster, path, { metadata: { finalizers: null } });
    const gone = await ask(cluster, "GET", path);

    assert.equal(marked.body.kind, "ConfigMap");
    assert.match(kept.body.metadata?.deletionTimestamp ?? "", /Z$/);
    assert.equal(gone.status, 404);
  }),
  inNamespace("DELETE of a collection takes what the selector selects", async (cluster, namespace) => {
    await apply(cluster, configMaps(namespace, "one"), configMap("one", {}, { labels: { set: "a" } }));
    await apply(cluster, configMaps(namespace, "two"), configMap("two", {}));

    const { status } = await ask(cluster, "DELETE", `${configMaps(namespace)}?labelSelector=set%3Da`);

    const left = [
      await ask(cluster, "GET", configMaps(namespace, "one")),
      await ask(cluster, "GET", configMaps(namespace, "two")),
    ];
    assert.equal(status, 200);
    assert.deepEqual(left.map((answer) => answer.status), [404, 200]);
  }),
  {
    name: "a new namespace gets its service account and its root certificate",
    async run(cluster) {
      const name = unique("furnished");
      await makeNamespace(cluster, name);

      await eventually(cluster, `/api/v1/namespaces/${name}/serviceaccounts/default`, ({ status }) => status === 200);
      await eventually(cluster, configMaps(name, "kube-root-ca.crt"), ({ status }) => status === 200);
      const { body } = await ask(cluster, "GET", `/api/v1/namespaces/${name}`);

      assert.deepEqual(body.metadata?.labels, { "kubernetes.io/metadata.name": name });
      assert.deepEqual(body.status, { phase: "Active" });
      await ask(cluster, "DELETE", `/api/v1/namespaces/${name}`);
    },
  },
  {
    name: "a deleted namespace is Terminating, refuses new content, and goes with all it holds",
    async run(cluster) {
      const name = unique("going");
      const path = `/api/v1/namespaces/${name}`;
      await ask(cluster, "POST", "/api/v1/namespaces", {
        body: { metadata: { name, finalizers: ["example.com/wait"] } },
      });
      await apply(cluster, configMaps(name, "held"), configMap("held", {}));

      const deleted = await ask(cluster, "DELETE", path);
      const refused = await apply(cluster, configMaps(name, "late"), configMap("late", {}));
      await eventually(cluster, configMaps(name, "held"), ({ status }) => status === 404);
      const waiting = await ask(cluster, "GET", path);
      await patch(cluster, path, { metadata: { finalizers: null } });
      await eventually(cluster, path, ({ status }) => status === 404);

      assert.equal(waiting.status, 200);
      assert.equal((deleted.body.status as { phase: string }).phase, "Terminating");
      assert.deepEqual([refused.status, refused.body.reason], [403, "Forbidden"]);
      assert.match(refused.body.message ?? "", /because it is being terminated$/);
      assert.equal(refused.body.details?.causes?.[0]?.reason, "NamespaceTerminating");
    },
  },
  inNamespace("a dependent goes after its owner", async (cluster, namespace) => {
    const owner = await apply(cluster, configMaps(namespace, "owner"), configMap("owner", {}));
    await apply(cluster, configMaps(namespace, "child"), childOf(owner.body.metadata?.uid));

    await ask(cluster, "DELETE", configMaps(namespace, "owner"));

    await eventually(cluster, configMaps(namespace, "child"), ({ status }) => status === 404);
  }),
  inNamespace("an owner deleted in the foreground goes after its dependents", async (cluster, namespace) => {
    const owner = await apply(cluster, configMaps(namespace, "owner"), configMap("owner", {}));
    await apply(cluster, configMaps(namespace, "child"), childOf(owner.body.metadata?.uid));

    const { body } = await ask(cluster, "DELETE", `${configMaps(namespace, "owner")}?propagationPolicy=Foreground`);

    assert.deepEqual(body.metadata?.finalizers, ["foregroundDeletion"]);
    await eventually(cluster, configMaps(namespace, "owner"), ({ status }) => status === 404);
    const child = await ask(cluster, "GET", configMaps(namespace, "child"));
    assert.equal(child.status, 404);
  }),
  inNamespace("a dependent stays when its owner is deleted with Orphan", async (cluster, namespace) => {
    const owner = await apply(cluster, configMaps(namespace, "owner"), configMap("owner", {}));
    await apply(cluster, configMaps(namespace, "child"), childOf(owner.body.metadata?.uid));

    await ask(cluster, "DELETE", `${configMaps(namespace, "owner")}?propagationPolicy=Orphan`);

    await eventually(cluster, configMaps(namespace, "owner"), ({ status }) => status === 404);
    const child = await ask(cluster, "GET", configMaps(namespace, "child"));
    assert.equal(child.status, 200);
  }),
];

function childOf(uid: string | undefined) {
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid, blockOwnerDeletion: true }];
  return configMap("child", {}, { ownerReferences });
}
