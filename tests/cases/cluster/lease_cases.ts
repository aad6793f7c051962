import assert from "node:assert/strict";
import { apply, ask, patch } from "./ask.ts";
import { type ClusterCase, inNamespace } from "./cluster_case.ts";

/** Leases, which one of several writers gets; and events, the same objects under two groups. */
export const leaseCases: readonly ClusterCase[] = [
  inNamespace("of two writers who read the same Lease, the second gets 409", async (cluster, namespace) => {
    const path = `${leases(namespace)}/holder`;
    const made = await ask(cluster, "POST", leases(namespace), { body: lease("nobody") });
    const { resourceVersion } = made.body.metadata ?? {};

    const first = await ask(cluster, "PUT", path, { body: lease("first", { resourceVersion }) });
    const second = await ask(cluster, "PUT", path, { body: lease("second", { resourceVersion }) });
    const third = await patch(cluster, path, { metadata: { resourceVersion }, spec: { holderIdentity: "third" } });
    const fourth = await patch(cluster, path, {
      metadata: { resourceVersion: first.body.metadata?.resourceVersion },
      spec: { holderIdentity: "fourth" },
    });

    assert.deepEqual([first, second, third, fourth].map(({ status }) => status), [200, 409, 409, 200]);
    assert.deepEqual([second.body.reason, third.body.reason], ["Conflict", "Conflict"]);
    assert.equal(fourth.body.spec?.holderIdentity, "fourth");
  }),
  inNamespace("of two who make the same Lease, the second gets 409 AlreadyExists", async (cluster, namespace) => {
    const first = await ask(cluster, "POST", leases(namespace), { body: lease("first") });
    const second = await ask(cluster, "POST", leases(namespace), { body: lease("second") });

    assert.deepEqual([first.status, second.status, second.body.reason], [201, 409, "AlreadyExists"]);
  }),
  inNamespace("a Lease wants times with six digits and a term above 0", async (cluster, namespace) => {
    const timed = { ...lease("one"), spec: { renewTime: "2026-01-01T00:00:00.5Z" } };
    const termless = { ...lease("one"), spec: { leaseDurationSeconds: 0 } };

    const time = await ask(cluster, "POST", leases(namespace), { body: timed });
    const term = await ask(cluster, "POST", leases(namespace), { body: termless });

    assert.deepEqual([time.status, term.status], [400, 422]);
    assert.equal(term.body.details?.causes?.[0]?.field, "spec.leaseDurationSeconds");
  }),
  inNamespace("an event is one object under two groups: same uid, other names", async (cluster, namespace) => {
    const core = `/api/v1/namespaces/${namespace}/events`;
    const newer = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const involvedObject = { kind: "Pod", name: "p", namespace };
    await ask(cluster, "POST", core, {
      body: { metadata: { name: "one" }, involvedObject, reason: "Tried", message: "it works", type: "Normal" },
    });

    const [old, fresh] = [await ask(cluster, "GET", `${core}/one`), await ask(cluster, "GET", `${newer}/one`)];
    const list = await ask(cluster, "GET", newer);
    const deleted = await ask(cluster, "DELETE", `${newer}/one`);
    const after = await ask(cluster, "GET", `${core}/one`);

    assert.equal(old.body.metadata?.uid, fresh.body.metadata?.uid);
    assert.deepEqual([old.body.apiVersion, fresh.body.apiVersion], ["v1", "events.k8s.io/v1"]);
    const shown = fresh.body as { regarding?: unknown; note?: unknown; message?: unknown };
    assert.deepEqual([shown.regarding, shown.note, shown.message], [involvedObject, "it works", undefined]);
    assert.deepEqual(list.body.items?.map(({ metadata }) => metadata?.uid), [old.body.metadata?.uid]);
    assert.deepEqual([deleted.status, after.status], [200, 404]);
  }),
  inNamespace("an apply under the other group forgets the owners of the first", async (cluster, namespace) => {
    const core = `/api/v1/namespaces/${namespace}/events/one`;
    const newer = `/apis/events.k8s.io/v1/namespaces/${namespace}/events/one`;
    const involvedObject = { kind: "Pod", name: "p", namespace };
    const event = { metadata: { name: "one" }, reason: "Tried", type: "Normal" };
    await apply(cluster, core, { apiVersion: "v1", kind: "Event", ...event, message: "it works", involvedObject });

    const labelled = { apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "one", labels: { x: "y" } } };
    const { body } = await apply(cluster, newer, labelled, "fieldManager=other");

    const owners = body.metadata?.managedFields?.map(({ manager, apiVersion }) => [manager, apiVersion]);
    assert.deepEqual(owners, [["other", "events.k8s.io/v1"]]);
  }),
];

function leases(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

function lease(holderIdentity: string, metadata: Record<string, unknown> = {}) {
  const spec = { holderIdentity, leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "holder", ...metadata }, spec };
}
