import { prohibited, wrong } from "./causes.ts";
import type { Cause } from "./failure.ts";
import { goStruct, hunk } from "./go_text.ts";
import { at, type Json, type JsonObject, listOr, objectOr, sameJson } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";

/** An object now and before. */
interface Change {
  readonly now: KubeObject;
  readonly before: KubeObject;
}

/** What may not change once it is set. */
export function changeFaults(type: ResourceType, now: KubeObject, before: KubeObject): Cause[] {
  const rule = type.schema === undefined ? RULES[type.kind] : undefined;
  return [...finalizerFaults({ now, before }), ...(rule?.({ now, before }) ?? [])];
}

const RULES: Record<string, (change: Change) => Cause[]> = {
  Deployment: fixed("spec.selector"),
  DaemonSet: fixed("spec.selector"),
  ReplicaSet: fixed("spec.selector"),
  StatefulSet: statefulSetFaults,
  Job: jobFaults,
  PersistentVolumeClaim: claimFaults,
  Pod: podFaults,
  Service: serviceFaults,
  Secret: (change) => [...fixed("type")(change), ...payloadFaults(change)],
  ConfigMap: payloadFaults,
  RoleBinding: bindingFaults,
  ClusterRoleBinding: bindingFaults,
  StorageClass: fixed("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
  IngressClass: fixed("spec.controller"),
  CustomResourceDefinition: fixed("spec.scope", "spec.names.kind", "spec.group", "spec.names.plural"),
  PriorityClass: ({ now, before }) =>
    sameJson(now.value, before.value) ? [] : [prohibited("value", "may not be changed in an update.")],
};

function fixed(...paths: string[]): (change: Change) => Cause[] {
  return ({ now, before }) =>
    paths.filter((path) => !sameJson(at(now, ...path.split(".")), at(before, ...path.split("."))))
      .map((path) => wrong(path, at(now, ...path.split(".")) ?? null, "field is immutable"));
}

/** Both the generic check and that of the kind say so, hence twice. */
function finalizerFaults({ now, before }: Change): Cause[] {
  if (before.metadata.deletionTimestamp === undefined) return [];
  const old = before.metadata.finalizers ?? [];
  const added = (now.metadata.finalizers ?? []).filter((finalizer) => !old.includes(finalizer));
  if (added.length === 0) return [];
  const list = `[]string{${added.map((one) => JSON.stringify(one)).join(", ")}}`;
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
  const fault = prohibited("metadata.finalizers", why);
  return [fault, fault];
}

const SET_FIELDS = [
  ...["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"],
  ...["persistentVolumeClaimRetentionPolicy", "minReadySeconds"],
];

function statefulSetFaults({ now, before }: Change): Cause[] {
  if (sameJson(without(now.spec, SET_FIELDS), without(before.spec, SET_FIELDS))) return [];
  const [last, ...others] = SET_FIELDS.map((field) => `'${field}'`).reverse();
  const named = `${others.reverse().join(", ")} and ${last}`;
  return [prohibited("spec", `updates to statefulset spec for fields other than ${named} are forbidden`)];
}

function jobFaults(change: Change): Cause[] {
  const { now, before } = change;
  const path = at(before, "spec", "suspend") === true ? ["spec", "template", "spec"] : ["spec", "template"];
  const isSame = sameJson(at(now, ...path), at(before, ...path));
  const message = `Invalid value: ${goStruct(at(now, ...path) ?? null)}: field is immutable`;
  return [
    ...fixed("spec.completions", "spec.selector")(change),
    ...(isSame ? [] : [{ reason: "FieldValueInvalid", message, field: path.join(".") }]),
    ...fixed("spec.completionMode", "spec.podFailurePolicy", "spec.backoffLimitPerIndex")(change),
  ];
}

const CLAIM_RULE =
  "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

function claimFaults({ now, before }: Change): Cause[] {
  const isBound = at(before, "status", "phase") === "Bound";
  const free = isBound ? ["resources", "volumeAttributesClassName", "volumeName"] : ["volumeName"];
  const wanted = { storageClassName: at(now, "spec", "storageClassName") };
  const had = at(before, "spec", "storageClassName") === undefined
    ? { ...objectOr(before.spec), ...wanted }
    : before.spec;
  if (sameJson(without(now.spec, free), without(had, free))) return [];
  return [prohibited("spec", `${CLAIM_RULE}\n${hunk(had ?? null, now.spec ?? null)}`)];
}

const POD_FIELDS = ["containers", "initContainers", "activeDeadlineSeconds", "tolerations", "nodeName"];
const POD_FIELDS_NAMED = [
  ...["`spec.containers[*].image`", "`spec.initContainers[*].image`", "`spec.activeDeadlineSeconds`"],
  ...[
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
  ],
].join(",");

function podFaults({ now, before }: Change): Cause[] {
  const imageless = (spec: Json | undefined) => ({
    ...without(spec, POD_FIELDS),
    containers: listOr(at(spec, "containers")).map((container) => without(container, ["image"])),
  });
  if (sameJson(imageless(now.spec), imageless(before.spec))) return [];
  const why = `pod updates may not change fields other than ${POD_FIELDS_NAMED}`;
  return [prohibited("spec", `${why}\n${hunk(before.spec ?? null, now.spec ?? null)}`)];
}

function serviceFaults({ now, before }: Change): Cause[] {
  const [address, old] = [at(now, "spec", "clusterIP"), at(before, "spec", "clusterIP")];
  if (old === undefined || address === old || at(now, "spec", "type") === "ExternalName") return [];
  return [wrong("spec.clusterIPs[0]", [address ?? ""], "may not change once set")];
}

function payloadFaults({ now, before }: Change): Cause[] {
  if (before.immutable !== true) return [];
  const why = "field is immutable when `immutable` is set";
  return [
    ...(now.immutable === true ? [] : [prohibited("immutable", why)]),
    ...["data", "binaryData"].filter((field) => !sameJson(now[field], before[field])).map((field) =>
      prohibited(field, why)
    ),
  ];
}

function bindingFaults({ now, before }: Change): Cause[] {
  if (sameJson(now.roleRef, before.roleRef)) return [];
  const { apiGroup, kind, name } = objectOr(now.roleRef);
  return [wrong("roleRef", { APIGroup: apiGroup, Kind: kind, Name: name }, "cannot change roleRef")];
}

function without(value: Json | undefined, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(objectOr(value)).filter(([field]) => !fields.includes(field)));
}
