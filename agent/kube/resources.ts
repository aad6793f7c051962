import type { ApiResource } from "$lib/kubernetes.ts";

/** What several places ask for without looking for it: it is the same in every cluster. */
export const PODS: ApiResource = { apiVersion: "v1", kind: "Pod", resource: "pods", namespaced: true, verbs: [] };
/** Of agents that take turns. */
export const LEASES: ApiResource = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  resource: "leases",
  namespaced: true,
  verbs: [],
};
