import { type Cause, invalid } from "./failure.ts";
import { at, isJsonObject, type Json, type JsonObject, listOr, objectOr, sameJson } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { schemaFaults } from "./schema.ts";
import { metadataFaults } from "./validate_metadata.ts";

/** Refuses an object that breaks the rules of its kind with 422, all faults at once. */
export function validate(type: ResourceType, object: KubeObject, before?: KubeObject): void {
  const own = type.schema === undefined
    ? [...(RULES[type.kind]?.(object) ?? []), ...(before === undefined ? [] : changeFaults(type, object, before))]
    : schemaFaults(type.schema, object);
  const causes = [...metadataFaults(type, object), ...own];
  if (causes.length > 0) throw invalid(type, object.metadata.name, causes);
}

const LIMIT_BYTES = 1_048_576;

const RULES: Record<string, (object: KubeObject) => Cause[]> = {
  ConfigMap: payloadFaults,
  Secret: payloadFaults,
  Service: serviceFaults,
  Deployment: workloadFaults,
  StatefulSet: workloadFaults,
  DaemonSet: workloadFaults,
  ReplicaSet: workloadFaults,
  Pod: (pod) => containerFaults(pod.spec, "spec"),
  Ingress: ingressFaults,
  RoleBinding: bindingFaults,
  ClusterRoleBinding: bindingFaults,
  CustomResourceDefinition: definitionFaults,
};

function payloadFaults(object: KubeObject): Cause[] {
  const entries = [...Object.entries(objectOr(object.data)), ...Object.entries(objectOr(object.binaryData))];
  const keys = entries.filter(([key]) => !/^[-._a-zA-Z0-9]+$/.test(key)).map(([key]) =>
    wrong(
      `data[${key}]`,
      key,
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    )
  );
  const encoder = new TextEncoder();
  const sizeBytes = entries.reduce((sum, [key, value]) => sum + key.length + encoder.encode(String(value)).length, 0);
  const encoding = object.kind === "Secret" ? 3 / 4 : 1;
  if (sizeBytes * encoding <= LIMIT_BYTES) return keys;
  const field = object.kind === "Secret" ? "data" : "[]";
  return [...keys, {
    reason: "FieldValueTooLong",
    message: `Too long: may not be more than ${LIMIT_BYTES} bytes`,
    field,
  }];
}

function serviceFaults(service: KubeObject): Cause[] {
  const spec = objectOr(service.spec);
  const isPortless = spec.clusterIP === "None" || spec.type === "ExternalName";
  const ports = listOr(spec.ports).map(objectOr);
  if (ports.length === 0 && !isPortless) return [required("spec.ports")];
  return ports.flatMap(({ port }, index) => {
    const isPort = typeof port === "number" && port >= 1 && port <= 65_535;
    const why = "must be between 1 and 65535, inclusive";
    return isPort ? [] : ["port", "targetPort"].map((field) => wrong(`spec.ports[${index}].${field}`, port ?? 0, why));
  });
}

function workloadFaults(object: KubeObject): Cause[] {
  const selector = at(object, "spec", "selector");
  const labels = objectOr(at(object, "spec", "template", "metadata", "labels"));
  const wanted = Object.entries(objectOr(at(selector, "matchLabels")));
  const matches = wanted.every(([label, value]) => labels[label] === value);
  const containers = containerFaults(at(object, "spec", "template", "spec"), "spec.template.spec");
  const replicas = at(object, "spec", "replicas");
  const isNegative = typeof replicas === "number" && replicas < 0;
  const mismatch = wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
  return [
    ...(isNegative ? [wrong("spec.replicas", replicas, "must be greater than or equal to 0")] : []),
    ...(isJsonObject(selector) ? [] : [required("spec.selector")]),
    ...(matches && isJsonObject(selector) ? [] : [mismatch]),
    ...containers,
  ];
}

function containerFaults(podSpec: Json | undefined, field: string): Cause[] {
  const containers = listOr(objectOr(podSpec).containers).map(objectOr);
  if (containers.length === 0) return [required(`${field}.containers`)];
  return containers.flatMap(({ name, image }, index) => [
    ...(name === undefined ? [required(`${field}.containers[${index}].name`)] : []),
    ...(image === undefined ? [required(`${field}.containers[${index}].image`)] : []),
  ]);
}

function ingressFaults(ingress: KubeObject): Cause[] {
  const { rules, defaultBackend } = objectOr(ingress.spec);
  const why = "either `defaultBackend` or `rules` must be specified";
  return rules === undefined && defaultBackend === undefined ? [wrong("spec", null, why)] : [];
}

function bindingFaults(binding: KubeObject): Cause[] {
  const { kind, name } = objectOr(binding.roleRef);
  if (kind !== "ClusterRole" && kind !== "Role") {
    return [unsupported("roleRef.kind", kind ?? "", ["Role", "ClusterRole"])];
  }
  return name === undefined ? [required("roleRef.name")] : [];
}

function definitionFaults(crd: KubeObject): Cause[] {
  const expected = `${at(crd, "spec", "names", "plural")}.${at(crd, "spec", "group")}`;
  const versions = listOr(at(crd, "spec", "versions")).map(objectOr);
  const name = crd.metadata.name === expected
    ? []
    : [wrong("metadata.name", crd.metadata.name, 'must be spec.names.plural+"."+spec.group')];
  const storage = versions.filter((version) => version.storage === true).length === 1
    ? []
    : [wrong("spec.versions", versions.length, "must have exactly one version marked as storage version")];
  const schemas = versions.flatMap((version, index) => {
    const schema = at(version, "schema", "openAPIV3Schema");
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    return isJsonObject(schema) ? [] : [required(field)];
  });
  return [...name, ...storage, ...schemas, ...storedFaults(crd, versions)];
}

function storedFaults(crd: KubeObject, versions: readonly JsonObject[]): Cause[] {
  return listOr(at(crd, "status", "storedVersions")).flatMap((stored, index) => {
    if (versions.some(({ name }) => name === stored)) return [];
    const why = `missing from spec.versions; ${stored} was previously a storage version, and must remain in ` +
      "spec.versions until a storage migration ensures no data remains persisted in " +
      `${stored} and removes ${stored} from status.storedVersions`;
    return [wrong(`status.storedVersions[${index}]`, stored, why)];
  });
}

/** What may not change once it is set. */
function changeFaults(type: ResourceType, object: KubeObject, before: KubeObject): Cause[] {
  const fixed = (...fields: string[]) =>
    sameJson(at(object, ...fields), at(before, ...fields))
      ? []
      : [wrong(fields.join("."), at(object, ...fields) ?? null, "field is immutable")];
  if (["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"].includes(type.kind)) return fixed("spec", "selector");
  if (type.kind === "Job") return [...fixed("spec", "template"), ...fixed("spec", "selector")];
  if (type.kind === "Secret" && !sameJson(object.type, before.type)) return fixed("type");
  if (type.kind.endsWith("RoleBinding") && !sameJson(object.roleRef, before.roleRef)) {
    const { apiGroup, kind, name } = objectOr(object.roleRef);
    return [wrong("roleRef", { APIGroup: apiGroup, Kind: kind, Name: name }, "cannot change roleRef")];
  }
  if ((type.kind === "ConfigMap" || type.kind === "Secret") && before.immutable === true) {
    const message = "Forbidden: field is immutable when `immutable` is set";
    return sameJson(object.data, before.data) ? [] : [{ reason: "FieldValueForbidden", message, field: "data" }];
  }
  return [];
}

function required(field: string): Cause {
  return { reason: "FieldValueRequired", message: "Required value", field };
}

function wrong(field: string, value: Json, why: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

function unsupported(field: string, value: Json, supported: readonly string[]): Cause {
  const list = supported.map((one) => JSON.stringify(one)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: "FieldValueNotSupported", message, field };
}
