import { ApiFailure, forbidden, notFound } from "./failure.ts";
import { at, type JsonObject, listOr, objectOr } from "./json.ts";
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
  if (type.kind === "Service") return withAddress(withFirstStatus(object), services);
  if (type.kind === "CustomResourceDefinition") return withEmptyStatus(object);
  if (type.kind === "Namespace") return withFinalizer(withFirstStatus(object));
  return withFirstStatus(object);
}

const STATUSES: Record<string, JsonObject> = {
  Deployment: {},
  Job: {},
  CronJob: {},
  Namespace: { phase: "Active" },
  Service: { loadBalancer: {} },
  Ingress: { loadBalancer: {} },
  PersistentVolumeClaim: { phase: "Pending" },
  Pod: { phase: "Pending", qosClass: "BestEffort" },
};

function withFirstStatus(object: KubeObject): KubeObject {
  const status = STATUSES[object.kind];
  return status === undefined || object.status !== undefined ? object : { ...object, status };
}

/** Kubernetes itself holds every namespace until it is empty. */
function withFinalizer(namespace: KubeObject): KubeObject {
  return { ...namespace, spec: { finalizers: ["kubernetes"], ...objectOr(namespace.spec) } };
}

const ADDRESSES = { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" };

function withAddress(service: KubeObject, others: Iterable<KubeObject>): KubeObject {
  const spec: JsonObject = { ...ADDRESSES, ...objectOr(service.spec) };
  if (spec.clusterIP !== undefined || spec.type === "ExternalName") return service;
  const taken = new Set([...others].map((other) => at(other, "spec", "clusterIP")));
  for (let number = 2; number < 65_536; number++) {
    const clusterIP = `10.96.${number >> 8}.${number & 255}`;
    if (!taken.has(clusterIP)) return { ...service, spec: { ...spec, clusterIP, clusterIPs: [clusterIP] } };
  }
  throw new ApiFailure(500, "InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
}

function withEmptyStatus(crd: KubeObject): KubeObject {
  const status = { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions: storageVersions(crd) };
  return { ...crd, status };
}

/** The status of a changed definition: a version in which objects were ever kept stays named there. */
export function withStoredVersions(live: KubeObject, next: KubeObject): JsonObject {
  const before = listOr(at(live, "status", "storedVersions")).map(String);
  return { ...objectOr(live.status), storedVersions: [...new Set([...before, ...storageVersions(next)])] };
}

function storageVersions(crd: KubeObject): string[] {
  const versions = listOr(at(crd, "spec", "versions")).map(objectOr);
  return versions.filter((version) => version.storage === true).map((version) => String(version.name));
}
