import { at, type Json, type JsonObject, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";

/** The `Scale` of a workload: its replicas, and nothing else. */
export function scaleOf({ metadata, spec, status }: KubeObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const labels = objectOr(at(spec, "selector", "matchLabels"));
  const replicas = at(spec, "replicas") ?? 0;
  const selector = Object.entries(labels).map(([label, value]) => `${label}=${value}`).join(",");
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: at(status, "replicas") ?? 0, selector },
  };
}

/** The workload with the replicas of a `Scale`. */
export function scaled(object: KubeObject, scale: Json): KubeObject {
  return { ...object, spec: { ...objectOr(object.spec), replicas: at(scale, "spec", "replicas") ?? 0 } };
}
