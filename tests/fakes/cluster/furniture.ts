import { ensure } from "./controllers/controller_writes.ts";
import { NODE } from "./controllers/pods.ts";
import type { Parts } from "./parts.ts";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Puts into a new cluster what every cluster has: its namespaces, a node, the service of the API server. */
export function furnishCluster(parts: Parts): void {
  for (const name of NAMESPACES) ensure(parts, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  ensure(parts, { apiVersion: "v1", kind: "Node", metadata: { name: NODE } });
  ensure(parts, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      clusterIP: "10.96.0.1",
      clusterIPs: ["10.96.0.1"],
      ports: [{ name: "https", port: 443, targetPort: 6443 }],
    },
  });
}
