import { at, listOr, objectOr } from "../json.ts";
import { type KubeObject, timestamp } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { type Condition, withConditions } from "./conditions.ts";
import { change, changeStatus } from "./controller_writes.ts";

/** The one node of the simulated cluster. */
export const NODE = "simulated-0";

const READY = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/** Schedules pods that fit the node and lets them run: every one becomes ready, whatever its image. */
export function runPods(parts: Parts): void {
  for (const pod of parts.store.list(parts.registry.builtIn("pods"))) {
    if (at(pod, "spec", "nodeName") === undefined) { if (fits(parts, pod)) schedule(parts, pod); }
    else if (at(pod, "status", "phase") === "Pending") run(parts, pod);
  }
}

function fits(parts: Parts, pod: KubeObject): boolean {
  const { labels = {} } = parts.store.find(parts.registry.builtIn("nodes"), undefined, NODE)?.metadata ?? {};
  return Object.entries(objectOr(at(pod, "spec", "nodeSelector"))).every(([name, value]) => labels[name] === value);
}

function schedule(parts: Parts, pod: KubeObject): void {
  change(parts, pod, { ...pod, spec: { ...objectOr(pod.spec), nodeName: NODE } });
}

function run(parts: Parts, pod: KubeObject): void {
  const startedAt = timestamp();
  const containerStatuses = listOr(at(pod, "spec", "containers")).map(objectOr).map(({ name, image }) => ({
    name,
    image,
    imageID: "",
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt } },
  }));
  const conditions = READY.map((type): Condition => ({ type, status: "True", reason: "", message: "" }));
  changeStatus(parts, pod, {
    ...objectOr(pod.status),
    phase: "Running",
    startTime: startedAt,
    hostIP: "192.0.2.1",
    podIP: "10.0.0.1",
    conditions: withConditions(undefined, conditions),
    containerStatuses,
  });
}
