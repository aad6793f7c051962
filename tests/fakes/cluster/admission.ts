import { ApiFailure, forbidden, notFound } from "./failure.ts";
import { at, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { Registry } from "./registry.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";

/** Refuses a new object whose namespace is not there or is going away. */
export function checkNamespace(
  parts: { store: Store; registry: Registry },
  type: ResourceType,
  object: KubeObject,
): void {
  const { namespace, name } = object.metadata;
  if (!type.isNamespaced || namespace === undefined) return;
  const namespaces = parts.registry.builtIn("namespaces");
  const found = parts.store.find(namespaces, undefined, namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(type, name, why, [{ reason: "NamespaceTerminating", message, field: "metadata.namespace" }]);
}

/** Refuses to delete what a cluster needs. */
export function checkDeletable(type: ResourceType, object: KubeObject): void {
  const isNeeded = ["default", "kube-system", "kube-public"].includes(object.metadata.name);
  if (type.kind === "Namespace" && isNeeded) {
    throw forbidden(type, object.metadata.name, "this namespace may not be deleted");
  }
}

/** A new object with what the server adds to its kind: an address, a status. */
export function admitted(type: ResourceType, object: KubeObject, services: Iterable<KubeObject>): KubeObject {
  if (type.kind === "Service") return withAddress(object, services);
  if (type.kind === "CustomResourceDefinition") return withEmptyStatus(object);
  return object;
}

function withAddress(service: KubeObject, others: Iterable<KubeObject>): KubeObject {
  const spec = objectOr(service.spec);
  if (spec.clusterIP !== undefined || spec.type === "ExternalName") return service;
  const taken = new Set([...others].map((other) => at(other, "spec", "clusterIP")));
  for (let number = 2; number < 65_536; number++) {
    const clusterIP = `10.96.${number >> 8}.${number & 255}`;
    if (!taken.has(clusterIP)) return { ...service, spec: { ...spec, clusterIP, clusterIPs: [clusterIP] } };
  }
  throw new ApiFailure(500, "InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
}

function withEmptyStatus(crd: KubeObject): KubeObject {
  const versions = listOr(at(crd, "spec", "versions")).map(objectOr);
  const storedVersions = versions.filter((version) => version.storage === true).map((version) => String(version.name));
  const status = { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions };
  return { ...crd, status };
}
