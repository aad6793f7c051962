import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { isOwnQuota, withoutTaken } from "./taken.ts";

function service(spec: Readonly<Record<string, unknown>>): KubernetesObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec };
}

Deno.test("withoutTaken() leaves out the addresses and ports of a Service that the live one has, and no others", () => {
  const live = service({
    ...{ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"], healthCheckNodePort: 31_000 },
    ports: [{ name: "a", port: 80, nodePort: 30_080 }, { name: "b", port: 81, nodePort: 30_081 }],
  });
  const wanted = service({
    ...{ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"], healthCheckNodePort: 31_001, type: "LoadBalancer" },
    ports: [{ name: "a", port: 80, nodePort: 30_081 }, { name: "c", port: 82, nodePort: 30_082 }, { port: 83 }],
  });

  assert.deepEqual(
    withoutTaken(wanted, live),
    service({
      ...{ healthCheckNodePort: 31_001, type: "LoadBalancer" },
      ports: [{ name: "a", port: 80 }, { name: "c", port: 82, nodePort: 30_082 }, { port: 83 }],
    }),
  );
});

Deno.test("withoutTaken() keeps that a Service has no address, and what of other kinds looks like one", () => {
  const headless = service({ clusterIP: "None", clusterIPs: ["None"] });
  const other = { ...service({ clusterIP: "10.0.0.1" }), apiVersion: "x.io/v1" };

  assert.deepEqual([withoutTaken(headless, headless), withoutTaken(other, other)], [headless, other]);
});

Deno.test("withoutTaken() leaves it to a PriorityClass to be the default only where the live one is not", () => {
  const [apiVersion, kind] = ["scheduling.k8s.io/v1", "PriorityClass"];
  const one = (globalDefault: boolean) => ({ apiVersion, kind, metadata: { name: "p" }, value: 1, globalDefault });

  const tried = [withoutTaken(one(true), one(true)), withoutTaken(one(true), one(false))];

  assert.deepEqual(tried.map(({ globalDefault }) => globalDefault), [undefined, true]);
});

const JOBS = { apiVersion: "batch/v1", kind: "Job", resource: "jobs", namespaced: true, verbs: [] };
const SECRETS = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };
const PODS = { ...SECRETS, kind: "Pod", resource: "pods" };

for (
  const { resource, quota, isOwn } of [
    { resource: JOBS, quota: ["count/jobs.batch=1", "count/jobs.batch=1", "count/jobs.batch=1"], isOwn: true },
    { resource: JOBS, quota: ["count/jobs.batch=1", "count/jobs.batch=2", "count/jobs.batch=1"], isOwn: false },
    { resource: JOBS, quota: ["count/pods=1", "count/pods=1", "count/pods=1"], isOwn: false },
    {
      resource: SECRETS,
      quota: ["secrets=1,count/secrets=1", "secrets=4,count/secrets=4", "secrets=4,count/secrets=5"],
      isOwn: true,
    },
    { resource: PODS, quota: ["count/pods=1", "count/pods=1", "count/pods=1"], isOwn: false },
    { resource: JOBS, quota: ["count/jobs.batch=1", "", "count/jobs.batch=1"], isOwn: false },
  ]
) {
  Deno.test(`isOwnQuota() is ${isOwn} for ${resource.kind} where a quota says ${quota.join("; ")}`, () => {
    const [requested, used, limited] = quota;
    const message =
      `${resource.resource} "x" is forbidden: exceeded quota: q, requested: ${requested}, used: ${used}, ` +
      `limited: ${limited}`;
    const refusal = new Failure("kubernetes_rejected", "no", { details: { status: 403, message } });

    assert.equal(isOwnQuota(refusal, { resource }), isOwn);
  });
}
