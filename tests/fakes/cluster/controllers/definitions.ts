import { customTypes } from "../custom_types.ts";
import { CLEANUP } from "../deletes.ts";
import { at, listOr, objectOr } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { type Condition, withConditions } from "./conditions.ts";
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
  const conflict = conflictOf(parts, crd);
  if (conflict !== undefined) return refuse(parts, crd, conflict);
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

/** Names are taken by whoever was first to have them accepted; one that was established before stays so. */
function refuse(parts: Parts, crd: KubeObject, conflict: Pick<Condition, "reason" | "message">): void {
  const before = listOr(at(crd, "status", "conditions"));
  const isEstablished = before.some((one) => at(one, "type") === "Established" && at(one, "status") === "True");
  const conditions = withConditions(before, [
    { type: "NamesAccepted", status: "False", ...conflict },
    ...(isEstablished ? [] : [NOT_ACCEPTED]),
  ]);
  changeStatus(parts, crd, { ...objectOr(crd.status), conditions }, MANAGER);
}

const NOT_ACCEPTED: Condition = {
  type: "Established",
  status: "False",
  reason: "NotAccepted",
  message: "not all names are accepted",
};

/** Which of its names another definition of its group has. */
function conflictOf({ registry, store }: Parts, crd: KubeObject): Pick<Condition, "reason" | "message"> | undefined {
  const others = store.list(registry.builtIn("customresourcedefinitions")).filter((other) =>
    other.metadata.name !== crd.metadata.name && at(other, "spec", "group") === at(crd, "spec", "group")
  ).map((other) => at(other, "status", "acceptedNames"));
  const resources = new Set(
    others.flatMap((names) => [at(names, "plural"), at(names, "singular"), ...listOr(at(names, "shortNames"))]),
  );
  const kinds = new Set(others.flatMap((names) => [at(names, "kind"), at(names, "listKind")]));
  const names = at(crd, "spec", "names");
  const wanted = [
    ["PluralConflict", at(names, "plural"), resources],
    ["SingularConflict", at(names, "singular"), resources],
    ...listOr(at(names, "shortNames")).map((name) => ["ShortNamesConflict", name, resources] as const),
    ["KindConflict", at(names, "kind"), kinds],
    ["ListKindConflict", at(names, "listKind"), kinds],
  ] as const;
  const taken = wanted.findLast(([, name, used]) => name !== undefined && used.has(name));
  return taken && { reason: taken[0], message: `${JSON.stringify(taken[1])} is already in use` };
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
