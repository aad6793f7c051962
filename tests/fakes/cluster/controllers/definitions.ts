import { customTypes } from "../custom_types.ts";
import { CLEANUP } from "../deletes.ts";
import { at, objectOr } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { withConditions } from "./conditions.ts";
import { change, changeStatus, remove } from "./controller_writes.ts";

/** The API server itself establishes definitions. */
const MANAGER = "kube-apiserver";

/** Serves the resources of every CRD, and removes them with their instances when the CRD goes. */
export function establishDefinitions(parts: Parts): void {
  const type = parts.registry.builtIn("customresourcedefinitions");
  for (const name of parts.registry.definitions()) {
    if (parts.store.find(type, undefined, name) === undefined) parts.registry.forget(name);
  }
  for (const crd of parts.store.list(type)) {
    if (crd.metadata.deletionTimestamp === undefined) establish(parts, crd);
    else clean(parts, crd);
  }
}

function establish(parts: Parts, crd: KubeObject): void {
  parts.registry.serve(crd);
  const conditions = withConditions(at(crd, "status", "conditions"), [
    { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
    {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    },
  ]);
  const acceptedNames = at(crd, "spec", "names");
  changeStatus(parts, crd, { ...objectOr(crd.status), conditions, acceptedNames }, MANAGER);
}

function clean(parts: Parts, crd: KubeObject): void {
  const [type] = customTypes(crd);
  const instances = type === undefined ? [] : parts.store.list(type);
  for (const instance of instances) remove(parts, instance);
  if (type !== undefined && parts.store.list(type).length > 0) return;
  parts.registry.forget(crd.metadata.name);
  const finalizers = (crd.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP);
  change(parts, crd, { ...crd, metadata: { ...crd.metadata, finalizers } }, MANAGER);
}
