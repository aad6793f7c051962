import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { judgeHealth } from "./health.ts";

type Rest = Record<string, unknown>;

function object(type: string, status: unknown, spec: Rest = {}): KubernetesObject {
  const cut = type.lastIndexOf("/");
  const metadata = { name: "one", namespace: "n" };
  return { apiVersion: type.slice(0, cut), kind: type.slice(cut + 1), metadata, spec, status };
}

function words(type: string, status: unknown, pods: readonly KubernetesObject[] = []): string {
  const { health, reason = "" } = judgeHealth(object(type, status), pods);
  return `${health}: ${reason}`;
}

function condition(type: string, status: string, reason: string, message: string): Rest {
  return { conditions: [{ type, status, reason, message }] };
}

const DEPLOYMENT = "apps/v1/Deployment";
const FULL = "exceeded quota: team, requested: pods=1, used: pods=4, limited: pods=4";
const refused = (message: string) => condition("ReplicaFailure", "True", "FailedCreate", message);

Deno.test("judgeHealth() says why no pod is made, without the name of the pod that was tried", () => {
  const late = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
  const full = refused(`pods "web-7d4f-x2k4p" is forbidden: ${FULL}`);
  const both = { ...full, conditions: [late, ...full.conditions as Rest[]] };
  const nobody = 'error looking up service account n/nobody: serviceaccount "nobody" not found';

  assert.equal(words(DEPLOYMENT, full), `degraded: FailedCreate: ${FULL}`);
  assert.equal(words(DEPLOYMENT, both), `degraded: FailedCreate: ${FULL}`);
  assert.equal(
    words("apps/v1/ReplicaSet", refused(`pods "web-1" is forbidden: ${nobody}`)),
    `degraded: FailedCreate: ${nobody}`,
  );
});

Deno.test("judgeHealth() of a rollout that took too long says how far it is", () => {
  const late = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-1" has timed out');
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, ...late };

  assert.equal(words(DEPLOYMENT, status), "degraded: ProgressDeadlineExceeded: 0 of 1 replicas available");
});

/** What a pod says of a container that waits, and of how that ended before. */
function container(reason: string, { message, ...end }: Rest = {}): Rest {
  const lastState = end.exitCode === undefined ? {} : { lastState: { terminated: end } };
  return { name: "a", image: "x", state: { waiting: { reason, message } }, ...lastState };
}

Deno.test("judgeHealth() says how a container ended that crashes again and again, and what it lacks", () => {
  const of = (...args: Parameters<typeof container>) =>
    words("v1/Pod", { initContainerStatuses: [container(...args)] });

  assert.deepEqual(
    [
      of("CrashLoopBackOff", { exitCode: 137, reason: "OOMKilled" }),
      of("CrashLoopBackOff", { exitCode: 1, reason: "Error" }),
      of("CrashLoopBackOff", { exitCode: 0, reason: "Completed" }),
      of("CrashLoopBackOff"),
      of("CreateContainerConfigError", { message: 'secret "db" not found' }),
      of("CreateContainerError", { message: "changes each time" }),
    ],
    [
      'degraded: CrashLoopBackOff: container "a", OOMKilled',
      'degraded: CrashLoopBackOff: container "a", exit code 1',
      'degraded: CrashLoopBackOff: container "a", exit code 0',
      'degraded: CrashLoopBackOff: container "a"',
      'degraded: CreateContainerConfigError: container "a": secret "db" not found',
      'degraded: CreateContainerError: container "a"',
    ],
  );
});

Deno.test("judgeHealth() says why a pod fits no node, without what was tried to make room, and how it ended", () => {
  const noRoom = "0/2 nodes are available: 2 Insufficient cpu";
  const unplaced = (more: string) =>
    words("v1/Pod", condition("PodScheduled", "False", "Unschedulable", noRoom + more));
  const evicted = { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory. " };
  const ended = (name: string, exitCode: number) => ({ name, state: { terminated: { exitCode, reason: "Error" } } });

  assert.equal(unplaced(". no new claims to deallocate, preemption: 0/2 nodes."), `degraded: Unschedulable: ${noRoom}`);
  assert.equal(unplaced(". preemption: 0/2 nodes."), `degraded: Unschedulable: ${noRoom}`);
  assert.equal(words("v1/Pod", evicted), "degraded: Evicted: The node was low on resource: memory.");
  assert.equal(
    words("v1/Pod", { phase: "Failed", initContainerStatuses: [ended("i", 0)], containerStatuses: [ended("a", 2)] }),
    'degraded: Failed: container "a", exit code 2',
  );
});

Deno.test("judgeHealth() of a Job says how its pods ended once it has failed, and how many did before", () => {
  const failed = condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  const status = { phase: "Failed", containerStatuses: [{ name: "a", state: { terminated: { exitCode: 3 } } }] };
  const pods = [object("v1/Pod", { phase: "Succeeded" }), object("v1/Pod", status)];
  const of = (status: Rest) => words("batch/v1/Job", status, pods);

  assert.deepEqual([of(failed), of({ startTime: "t", failed: 1 }), of({ startTime: "t", failed: 2 })], [
    "degraded: BackoffLimitExceeded: Job has reached the specified backoff limit: " +
    'Failed: container "a", exit code 3',
    "progressing: 0 of 1 completions, 1 pod failed",
    "progressing: 0 of 1 completions, 2 pods failed",
  ]);
});

Deno.test("judgeHealth() says what a controller says beside its reason, on one line that fits a report", () => {
  const away = condition("Available", "False", "ServiceNotFound", 'service/web in "shop" is not present');
  const stalled = condition("Stalled", "True", "Failed", "x".repeat(300));

  assert.equal(
    words("x.io/v1/Thing", condition("Ready", "False", "Error", "no such issuer:\n  letsencrypt")),
    "progressing: Error: no such issuer: letsencrypt",
  );
  assert.equal(words("x.io/v1/Thing", condition("Ready", "False", "Same", "Same")), "progressing: Same");
  assert.equal(words("x.io/v1/Thing", stalled), `degraded: Failed: ${"x".repeat(246)}…`);
  assert.equal(
    words("apiregistration.k8s.io/v1/APIService", away),
    'degraded: ServiceNotFound: service/web in "shop" is not present',
  );
});
