import assert from "node:assert/strict";
import { fc } from "../../../tests/fakes/fast_check.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { judgeHealth, mayBeUnhealthy, type ObjectHealth, worstOf } from "./health.ts";

type Rest = Record<string, unknown>;

/** An object of generation 2 in `apiVersion/kind`, such as `apps/v1/Deployment`. */
function object(type: string, { metadata = {}, ...rest }: Rest & { readonly metadata?: Rest } = {}): KubernetesObject {
  const cut = type.lastIndexOf("/");
  return {
    apiVersion: type.slice(0, cut),
    kind: type.slice(cut + 1),
    metadata: { name: "one", namespace: "n", generation: 2, ...metadata },
    ...rest,
  };
}

function condition(type: string, status: string, reason?: string): Rest {
  return { type, status, ...(reason === undefined ? {} : { reason }) };
}

function conditions(...all: readonly Rest[]): Rest {
  return { conditions: all };
}

/** A line of the table: the type, spec and status of an object, and what it comes to. */
type Row = readonly [type: string, spec: Rest | undefined, status: unknown, expected: string];

const SEEN = { observedGeneration: 2 };
const ALL_3 = { ...SEEN, replicas: 3, updatedReplicas: 3, availableReplicas: 3, readyReplicas: 3 };
const REVISIONS = { currentRevision: "r2", updateRevision: "r2" };
const ON_2 = { ...SEEN, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2, numberReady: 2 };

const WORKLOADS: readonly Row[] = [
  ["apps/v1/Deployment", { replicas: 3 }, ALL_3, "healthy"],
  ["apps/v1/Deployment", { replicas: 0 }, SEEN, "healthy"],
  ["apps/v1/Deployment", {}, { ...ALL_3, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }, "healthy"],
  ["apps/v1/Deployment", { replicas: 3 }, undefined, "progressing: no status yet"],
  ["apps/v1/Deployment", { replicas: 3 }, { ...ALL_3, updatedReplicas: 2 }, "progressing: 2 of 3 replicas updated"],
  ["apps/v1/Deployment", { replicas: 3 }, { ...ALL_3, replicas: 4 }, "progressing: 1 old replicas are left"],
  ["apps/v1/Deployment", { replicas: 3 }, { ...ALL_3, availableReplicas: 1 }, "progressing: 1 of 3 replicas available"],
  ["apps/v1/Deployment", { replicas: 3 }, { ...ALL_3, readyReplicas: 0 }, "progressing: 0 of 3 replicas available"],
  [
    "apps/v1/Deployment",
    { replicas: 3, paused: true },
    { ...ALL_3, updatedReplicas: 0 },
    "progressing: DeploymentPaused",
  ],
  [
    "apps/v1/Deployment",
    { replicas: 3 },
    { ...ALL_3, updatedReplicas: 1, ...conditions(condition("Progressing", "False", "ProgressDeadlineExceeded")) },
    "degraded: ProgressDeadlineExceeded: 1 of 3 replicas updated",
  ],
  [
    "apps/v1/Deployment",
    { replicas: 3 },
    { ...SEEN, ...conditions(condition("ReplicaFailure", "True", "FailedCreate")) },
    "degraded: FailedCreate",
  ],
  ["apps/v1/StatefulSet", { replicas: 3 }, { ...ALL_3, ...REVISIONS }, "healthy"],
  [
    "apps/v1/StatefulSet",
    { replicas: 3 },
    { ...ALL_3, ...REVISIONS, readyReplicas: 2 },
    "progressing: 2 of 3 replicas ready",
  ],
  [
    "apps/v1/StatefulSet",
    { replicas: 3 },
    { ...ALL_3, ...REVISIONS, updatedReplicas: 1 },
    "progressing: 1 of 3 replicas updated",
  ],
  [
    "apps/v1/StatefulSet",
    { replicas: 3 },
    { ...ALL_3, ...REVISIONS, currentRevision: "r1" },
    "progressing: 3 of 3 replicas updated",
  ],
  [
    "apps/v1/StatefulSet",
    { replicas: 3 },
    { ...ALL_3, ...REVISIONS, replicas: 5 },
    "progressing: 2 replicas too many are left",
  ],
  [
    "apps/v1/StatefulSet",
    { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
    { ...ALL_3, updatedReplicas: 1, currentRevision: "r1", updateRevision: "r2" },
    "healthy",
  ],
  [
    "apps/v1/StatefulSet",
    { replicas: 3, updateStrategy: { rollingUpdate: { partition: 1 } } },
    { ...ALL_3, updatedReplicas: 1 },
    "progressing: 1 of 3 replicas updated",
  ],
  [
    "apps/v1/StatefulSet",
    { replicas: 3, updateStrategy: { type: "OnDelete" } },
    { ...ALL_3, updatedReplicas: 0, currentRevision: "r1", updateRevision: "r2" },
    "healthy",
  ],
  ["apps/v1/DaemonSet", {}, ON_2, "healthy"],
  ["apps/v1/DaemonSet", {}, { ...SEEN, desiredNumberScheduled: 0 }, "healthy"],
  ["apps/v1/DaemonSet", {}, undefined, "progressing: no status yet"],
  ["apps/v1/DaemonSet", {}, { ...ON_2, updatedNumberScheduled: 1 }, "progressing: 1 of 2 pods updated"],
  ["apps/v1/DaemonSet", {}, { ...ON_2, numberReady: 0 }, "progressing: 0 of 2 pods available"],
  ["apps/v1/DaemonSet", { updateStrategy: { type: "OnDelete" } }, { ...ON_2, updatedNumberScheduled: 0 }, "healthy"],
  ["apps/v1/ReplicaSet", { replicas: 3 }, ALL_3, "healthy"],
  ["apps/v1/ReplicaSet", { replicas: 3 }, { ...ALL_3, availableReplicas: 2 }, "progressing: 2 of 3 replicas available"],
  ["apps/v1/ReplicaSet", { replicas: 1 }, ALL_3, "progressing: 2 replicas too many are left"],
  [
    "apps/v1/ReplicaSet",
    { replicas: 1 },
    conditions(condition("ReplicaFailure", "True", "FailedCreate")),
    "degraded: FailedCreate",
  ],
  ["batch/v1/Job", {}, { startTime: "t", ...conditions(condition("Complete", "True")) }, "healthy"],
  ["batch/v1/Job", {}, undefined, "progressing: not started yet"],
  ["batch/v1/Job", { completions: 3 }, { startTime: "t", succeeded: 1 }, "progressing: 1 of 3 completions"],
  ["batch/v1/Job", { suspend: true }, conditions(condition("Suspended", "True")), "healthy: Suspended"],
  [
    "batch/v1/Job",
    {},
    conditions(condition("Failed", "True", "DeadlineExceeded")),
    "degraded: DeadlineExceeded",
  ],
  ["batch/v1/CronJob", {}, undefined, "healthy"],
];

const WAITING = (reason: string) => ({ name: "a", image: "x", state: { waiting: { reason } } });
const LOOPING = { name: "a", ready: false, restartCount: 3, lastState: { terminated: { exitCode: 1 } } };

const PODS: readonly Row[] = [
  ["v1/Pod", {}, { phase: "Running", ...conditions(condition("Ready", "True")) }, "healthy"],
  ["v1/Pod", {}, { phase: "Succeeded" }, "healthy"],
  ["v1/Pod", {}, { phase: "Failed", reason: "Evicted" }, "degraded: Evicted"],
  ["v1/Pod", {}, { phase: "Failed" }, "degraded: Failed"],
  ["v1/Pod", {}, undefined, "progressing: Pending"],
  [
    "v1/Pod",
    {},
    { phase: "Running", ...conditions(condition("Ready", "False", "ContainersNotReady")) },
    "progressing: ContainersNotReady",
  ],
  [
    "v1/Pod",
    {},
    { phase: "Running", containerStatuses: [{ name: "b" }, WAITING("CrashLoopBackOff")] },
    'degraded: CrashLoopBackOff: container "a"',
  ],
  [
    "v1/Pod",
    {},
    { phase: "Pending", initContainerStatuses: [WAITING("CreateContainerConfigError")] },
    'degraded: CreateContainerConfigError: container "a"',
  ],
  ["v1/Pod", {}, { containerStatuses: [WAITING("ErrImagePull")] }, 'degraded: ImagePullBackOff: image "x"'],
  ["v1/Pod", {}, { containerStatuses: [WAITING("InvalidImageName")] }, 'degraded: InvalidImageName: image "x"'],
  ["v1/Pod", {}, { containerStatuses: [WAITING("ContainerCreating")] }, "progressing: Pending"],
  ["v1/Pod", {}, { containerStatuses: [LOOPING] }, 'degraded: CrashLoopBackOff: container "a", exit code 1'],
  ["v1/Pod", {}, { containerStatuses: [{ ...LOOPING, restartCount: 2 }] }, "progressing: Pending"],
  ["v1/Pod", {}, { containerStatuses: [{ ...LOOPING, ready: true }] }, "progressing: Pending"],
  ["v1/Pod", {}, conditions(condition("PodScheduled", "False", "Unschedulable")), "degraded: Unschedulable"],
  ["v1/Pod", {}, conditions(condition("PodScheduled", "False", "SchedulingGated")), "progressing: Pending"],
];

const OTHERS: readonly Row[] = [
  ["v1/ConfigMap", undefined, undefined, "healthy"],
  ["rbac.authorization.k8s.io/v1/Role", undefined, undefined, "healthy"],
  ["v1/PersistentVolumeClaim", {}, { phase: "Bound" }, "healthy"],
  ["v1/PersistentVolumeClaim", {}, { phase: "Pending" }, "progressing: Pending"],
  ["v1/PersistentVolumeClaim", {}, { phase: "Lost" }, "degraded: Lost"],
  ["v1/Service", { type: "ClusterIP" }, { loadBalancer: {} }, "healthy"],
  ["v1/Service", { type: "LoadBalancer" }, { loadBalancer: {} }, "progressing: no address of a load balancer yet"],
  ["v1/Service", { type: "LoadBalancer" }, { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } }, "healthy"],
  [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    conditions(condition("NamesAccepted", "True"), condition("Established", "True")),
    "healthy",
  ],
  ["apiextensions.k8s.io/v1/CustomResourceDefinition", {}, undefined, "progressing: not established yet"],
  [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    conditions(condition("Established", "False", "Installing")),
    "progressing: not established yet",
  ],
  [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    conditions(condition("NamesAccepted", "False", "PluralConflict"), condition("Established", "True")),
    "degraded: PluralConflict",
  ],
  [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    conditions(condition("Established", "False", "NotAccepted")),
    "degraded: NotAccepted",
  ],
  ["apiregistration.k8s.io/v1/APIService", {}, conditions(condition("Available", "True", "Passed")), "healthy"],
  ["apiregistration.k8s.io/v1/APIService", {}, undefined, "progressing: no status yet"],
  [
    "apiregistration.k8s.io/v1/APIService",
    {},
    conditions(condition("Available", "False", "MissingEndpoints")),
    "progressing: MissingEndpoints",
  ],
  [
    "apiregistration.k8s.io/v1/APIService",
    {},
    conditions(condition("Available", "False", "FailedDiscoveryCheck")),
    "degraded: FailedDiscoveryCheck",
  ],
  ["policy/v1/PodDisruptionBudget", {}, { ...SEEN, disruptionsAllowed: 0 }, "healthy"],
  ["policy/v1/PodDisruptionBudget", {}, undefined, "progressing: no status yet"],
  [
    "policy/v1/PodDisruptionBudget",
    {},
    { ...SEEN, ...conditions(condition("DisruptionAllowed", "False", "SyncFailed")) },
    "degraded: SyncFailed",
  ],
];

const CUSTOM: readonly Row[] = [
  ["x.io/v1/Thing", {}, undefined, "healthy"],
  ["x.io/v1/Thing", {}, { note: "no conditions" }, "healthy"],
  ["x.io/v1/Thing", {}, { ...SEEN, ...conditions(condition("Ready", "True")) }, "healthy"],
  ["x.io/v1/Thing", {}, conditions(condition("Ready", "False", "Waiting")), "progressing: Waiting"],
  ["x.io/v1/Thing", {}, conditions(condition("Ready", "Unknown")), "progressing: Ready is Unknown"],
  ["x.io/v1/Thing", {}, conditions(condition("Available", "True"), condition("Progressing", "True")), "healthy"],
  ["x.io/v1/Thing", {}, conditions(condition("Available", "False")), "progressing: Available is False"],
  ["x.io/v1/Thing", {}, conditions(condition("Progressing", "True")), "progressing: Progressing"],
  [
    "x.io/v1/Thing",
    {},
    conditions(condition("Progressing", "False", "TimeDeadlineExceeded")),
    "degraded: TimeDeadlineExceeded",
  ],
  [
    "x.io/v1/Thing",
    {},
    conditions(condition("Ready", "True"), condition("Reconciling", "True", "At")),
    "progressing: At",
  ],
  [
    "x.io/v1/Thing",
    {},
    conditions(condition("Reconciling", "True"), condition("Stalled", "True", "No")),
    "degraded: No",
  ],
  ["x.io/v1/Thing", {}, conditions(condition("Stalled", "False"), condition("Ready", "True")), "healthy"],
  [
    "x.io/v1/Thing",
    {},
    { observedGeneration: 1, ...conditions(condition("Ready", "True")) },
    "progressing: its newest generation is not observed yet",
  ],
];

for (const [type, spec, status, expected] of [...WORKLOADS, ...PODS, ...OTHERS, ...CUSTOM]) {
  Deno.test(`judgeHealth() of ${type} with ${JSON.stringify({ spec, status })} is ${expected}`, () => {
    assert.equal(words(judgeHealth(object(type, { spec, status }))), expected);
  });
}

function words({ health, reason }: ObjectHealth): string {
  return reason === undefined ? health : `${health}: ${reason}`;
}

Deno.test("judgeHealth() of what is being deleted is progressing, whatever its status says", () => {
  const going = object("v1/ConfigMap", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });

  assert.equal(words(judgeHealth(going)), "progressing: being deleted");
});

Deno.test("judgeHealth() of a status that is no object is unknown", () => {
  for (const status of ["text", 3, true, []]) {
    assert.equal(words(judgeHealth(object("apps/v1/Deployment", { status }))), "unknown: its status can't be read");
  }
});

const TYPES = [...new Set([...WORKLOADS, ...PODS, ...OTHERS, ...CUSTOM].map(([type]) => type))];
Deno.test("judgeHealth() never throws, and its reason has at most 255 characters", () => {
  const names = ["conditions", "phase", "replicas", "containerStatuses", "loadBalancer", "observedGeneration"];
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...names), fc.jsonValue()),
    fc.record({ conditions: fc.array(fc.record({ type: fc.string(), status: fc.jsonValue(), reason: fc.string() })) }),
  );
  fc.assert(fc.property(fc.constantFrom(...TYPES), odd, odd, fc.jsonValue(), (type, spec, status, pod) => {
    const pods = [{ ...fieldsOrNone(pod), apiVersion: "v1", kind: "Pod" } as unknown as KubernetesObject];
    const { health, reason = "" } = judgeHealth(object(type, { spec, status }), pods);

    assert.ok(["healthy", "progressing", "degraded", "unknown"].includes(health));
    assert.ok(reason.length <= 255);
  }));
});

function fieldsOrNone(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

Deno.test("judgeHealth() cuts a reason that is too long", () => {
  const image = "x".repeat(400);
  const status = { containerStatuses: [{ image, state: { waiting: { reason: "ImagePullBackOff" } } }] };

  const { reason = "" } = judgeHealth(object("v1/Pod", { status }));

  assert.deepEqual([reason.length, reason.slice(0, 25)], [255, 'ImagePullBackOff: image "']);
});

const UNREADY = { ...ALL_3, readyReplicas: 0 };
const CRASHING = object("v1/Pod", { status: { containerStatuses: [WAITING("CrashLoopBackOff")] } });
const UNPLACED = object("v1/Pod", { status: conditions(condition("PodScheduled", "False", "Unschedulable")) });

Deno.test("judgeHealth() of a workload that is not healthy says what its pods say", () => {
  const late = conditions(condition("Progressing", "False", "ProgressDeadlineExceeded"));
  const judged = [UNREADY, { ...UNREADY, ...late }].map((status) =>
    judgeHealth(object("apps/v1/Deployment", { spec: { replicas: 3 }, status }), [CRASHING])
  );

  assert.deepEqual(judged.map(words), Array(2).fill('degraded: CrashLoopBackOff: container "a"'));
});

Deno.test("judgeHealth() of a workload passes over pods that are ready, that have ended, or that go", () => {
  const ready = object("v1/Pod", {
    status: { ...conditions(condition("Ready", "True")), containerStatuses: [WAITING("CrashLoopBackOff")] },
  });
  const ended = object("v1/Pod", { status: { ...CRASHING.status as Rest, phase: "Failed" } });
  const going = { ...CRASHING, metadata: { ...CRASHING.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
  const deployment = object("apps/v1/Deployment", { spec: { replicas: 3 }, status: UNREADY });

  assert.equal(judgeHealth(deployment, [ready, ended, going]).health, "progressing");
  assert.equal(words(judgeHealth(deployment, [ready, UNPLACED])), "degraded: Unschedulable");
});

Deno.test("judgeHealth() of a workload that is healthy does not ask its pods", () => {
  const deployment = object("apps/v1/Deployment", { spec: { replicas: 3 }, status: ALL_3 });

  assert.equal(judgeHealth(deployment, [CRASHING]).health, "healthy");
});

Deno.test("worstOf() gives the first of the worst, and of none that all is well", () => {
  const all: ObjectHealth[] = [
    { health: "healthy" },
    { health: "degraded", reason: "first" },
    { health: "unknown" },
    { health: "degraded", reason: "second" },
    { health: "progressing" },
  ];

  assert.equal(worstOf(all).reason, "first");
  assert.equal(worstOf(all.filter(({ health }) => health !== "degraded")).health, "unknown");
  assert.equal(worstOf([]).health, "healthy");
});

Deno.test("mayBeUnhealthy() is false for what has no status, so that it costs no request", () => {
  const never = ["", "", "rbac.authorization.k8s.io"].map((group, at) => ({
    group,
    kind: ["ConfigMap", "Secret", "ClusterRoleBinding"][at] ?? "",
  }));

  assert.deepEqual(never.map(mayBeUnhealthy), [false, false, false]);
  assert.equal(mayBeUnhealthy({ group: "apps", kind: "Deployment" }), true);
  assert.equal(mayBeUnhealthy({ group: "x.io", kind: "ConfigMap" }), true);
});
