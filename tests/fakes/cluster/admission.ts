import { forbidden, notFound } from "./failure.ts";
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

/** Refuses a new object whose definition is going away. */
export function checkDefinition(
  parts: { store: Store; registry: Registry },
  type: ResourceType,
  object: KubeObject,
): void {
  if (!type.group.includes(".")) return;
  const definitions = parts.registry.builtIn("customresourcedefinitions");
  const definition = parts.store.find(definitions, undefined, `${type.plural}.${type.group}`);
  if (definition?.metadata.deletionTimestamp === undefined) return;
  const why = "create not allowed while custom resource definition is terminating";
  throw forbidden(type, object.metadata.name, why);
}

/** Refuses to delete what a cluster needs. */
export function checkDeletable(type: ResourceType, object: KubeObject): void {
  const isNeeded = ["default", "kube-system", "kube-public"].includes(object.metadata.name);
  if (type.kind === "Namespace" && isNeeded) {
    throw forbidden(type, object.metadata.name, "this namespace may not be deleted");
  }
}
