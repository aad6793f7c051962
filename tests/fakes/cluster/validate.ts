import { duplicate, required, unsupported, wrong } from "./causes.ts";
import { type Cause, invalid } from "./failure.ts";
import { at, isJsonObject, type Json, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { podFaults } from "./pod_faults.ts";
import { schemaFaults } from "./schema.ts";
import { strategyFaults } from "./strategies.ts";
import { changeFaults } from "./validate_change.ts";
import { metadataFaults } from "./validate_metadata.ts";
import { payloadFaults } from "./validate_payload.ts";

/** Refuses an object that breaks the rules of its kind with 422, all faults at once. */
export function validate(type: ResourceType, object: KubeObject, before?: KubeObject): void {
  const own = type.schema === undefined ? (RULES[type.kind]?.(object) ?? []) : schemaFaults(type.schema, object);
  const changes = before === undefined ? [] : changeFaults(type, object, before);
  const causes = [...metadataFaults(type, object), ...own, ...changes];
  if (causes.length > 0) throw invalid(type, object.metadata.name, causes);
}

const RULES: Record<string, (object: KubeObject) => Cause[]> = {
  ConfigMap: payloadFaults,
  Secret: payloadFaults,
  Service: serviceFaults,
  Deployment: workloadFaults,
  StatefulSet: workloadFaults,
  DaemonSet: workloadFaults,
  ReplicaSet: workloadFaults,
  Pod: (pod) => [...containerFaults(pod.spec, "spec"), ...podFaults(pod.spec, "spec")],
  Job: (job) => jobTemplateFaults(at(job, "spec", "template", "spec"), "spec.template.spec"),
  CronJob: cronJobFaults,
  Ingress: ingressFaults,
  Lease: leaseFaults,
  RoleBinding: bindingFaults,
  ClusterRoleBinding: bindingFaults,
  CustomResourceDefinition: definitionFaults,
};

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
  const template = at(object, "spec", "template", "spec");
  const mismatch = wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
  return [
    ...(isNegative ? [wrong("spec.replicas", replicas, "must be greater than or equal to 0")] : []),
    ...(isJsonObject(selector) ? [] : [required("spec.selector")]),
    ...(matches && isJsonObject(selector) ? [] : [mismatch]),
    ...containers,
    ...podFaults(template, "spec.template.spec"),
    ...strategyFaults(object),
  ];
}

function containerFaults(podSpec: Json | undefined, field: string): Cause[] {
  const containers = listOr(objectOr(podSpec).containers).map(objectOr);
  if (containers.length === 0) return [required(`${field}.containers`)];
  const twice = (name: Json | undefined, index: number) => containers.findIndex((one) => one.name === name) < index;
  return containers.flatMap(({ name, image }, index) => [
    ...(twice(name, index) ? [duplicate(`${field}.containers[${index}].name`, name ?? null)] : []),
    ...(name === undefined ? [required(`${field}.containers[${index}].name`)] : []),
    ...(image === undefined || image === "" ? [required(`${field}.containers[${index}].image`)] : []),
  ]);
}

function jobTemplateFaults(podSpec: Json | undefined, field: string): Cause[] {
  const { restartPolicy = "Always" } = objectOr(podSpec);
  const place = `${field}.restartPolicy`;
  if (restartPolicy === "OnFailure" || restartPolicy === "Never") return containerFaults(podSpec, field);
  const message = 'Required value: valid values: "OnFailure", "Never"';
  const policy = restartPolicy === "Always"
    ? { reason: "FieldValueRequired", message, field: place }
    : unsupported(place, restartPolicy, ["OnFailure", "Never"]);
  return [...containerFaults(podSpec, field), policy];
}

function cronJobFaults(cronJob: KubeObject): Cause[] {
  const { schedule = "" } = objectOr(cronJob.spec);
  const field = "spec.jobTemplate.spec.template.spec";
  const template = jobTemplateFaults(at(cronJob, ...field.split(".")), field);
  return schedule === "" ? [required("spec.schedule"), ...template] : template;
}

function ingressFaults(ingress: KubeObject): Cause[] {
  const { rules, defaultBackend } = objectOr(ingress.spec);
  const why = "either `defaultBackend` or `rules` must be specified";
  return rules === undefined && defaultBackend === undefined ? [wrong("spec", null, why)] : [];
}

function leaseFaults(lease: KubeObject): Cause[] {
  const { leaseDurationSeconds } = objectOr(lease.spec);
  if (typeof leaseDurationSeconds !== "number" || leaseDurationSeconds > 0) return [];
  return [wrong("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0")];
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
