import { objectOr } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { withConditions } from "./conditions.ts";
import { changeStatus, ensure, remove } from "./controller_writes.ts";

const ROOT_CA = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n";

/** Gives every namespace what Kubernetes puts there, and empties those that are being deleted. */
export function keepNamespaces(parts: Parts): void {
  const namespaces = parts.store.list(parts.registry.builtIn("namespaces"));
  for (const namespace of namespaces) {
    if (namespace.metadata.deletionTimestamp === undefined) furnish(parts, namespace.metadata.name);
    else empty(parts, namespace);
  }
}

function furnish(parts: Parts, namespace: string): void {
  ensure(parts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } });
  const annotations = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver",
  };
  const metadata = { name: "kube-root-ca.crt", namespace, annotations };
  ensure(parts, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "ca.crt": ROOT_CA } });
}

function empty(parts: Parts, namespace: KubeObject): void {
  const content = contentOf(parts, namespace.metadata.name);
  for (const object of content) remove(parts, object);
  const left = contentOf(parts, namespace.metadata.name);
  const isDiscovered = parts.registry.aggregated.every(({ server }) => server !== undefined);
  if (content.length === 0 && isDiscovered) return release(parts, namespace);
  const conditions = withConditions(objectOr(namespace.status).conditions, [
    {
      type: "NamespaceDeletionDiscoveryFailure",
      status: isDiscovered ? "False" : "True",
      reason: isDiscovered ? "ResourcesDiscovered" : "DiscoveryFailed",
      message: isDiscovered ? "All resources successfully discovered" : discoveryFailure(parts),
    },
    {
      type: "NamespaceContentRemaining",
      status: left.length > 0 ? "True" : "False",
      reason: left.length > 0 ? "SomeResourcesRemain" : "ContentRemoved",
      message: left.length > 0 ? "Some resources are remaining" : "All content successfully removed",
    },
    {
      type: "NamespaceFinalizersRemaining",
      status: left.length > 0 ? "True" : "False",
      reason: left.length > 0 ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
      message: left.length > 0
        ? "Some content in the namespace has finalizers remaining"
        : "All content-preserving finalizers finished",
    },
  ]);
  changeStatus(parts, namespace, { ...objectOr(namespace.status), conditions });
}

/** What a namespace may still hold of an API that is away is not known: it waits. */
function discoveryFailure(parts: Parts): string {
  const away = parts.registry.aggregated.filter(({ server }) => server === undefined).map(({ group, version }) =>
    `${group}/${version}: stale GroupVersion discovery: ${group}/${version}`
  );
  return `Discovery failed for some groups, ${away.length} failing: unable to retrieve the complete list of server APIs: ${
    away.join(", ")
  }`;
}

/** Lets an empty namespace go, unless a finalizer of its own keeps it. */
function release(parts: Parts, namespace: KubeObject): void {
  const type = parts.registry.builtIn("namespaces");
  if ((namespace.metadata.finalizers ?? []).length === 0) parts.store.drop(type, namespace);
  else if (Object.keys(objectOr(namespace.spec)).length > 0) parts.store.put(type, { ...namespace, spec: {} });
}

function contentOf(parts: Parts, namespace: string): KubeObject[] {
  return parts.store.everything().filter((object) => object.metadata.namespace === namespace);
}
