import { pause } from "../../run/wait.ts";
import type { Outcome } from "../../../agent/kube/outcome.ts";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";

/** Types of the cases that move, keep and replace objects. */
export const TYPES = {
  claims: type("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
  secrets: type("v1", "Secret", "secrets"),
  quotas: type("v1", "ResourceQuota", "resourcequotas"),
  events: type("v1", "Event", "events"),
  leases: type("coordination.k8s.io/v1", "Lease", "leases"),
  services: type("v1", "Service", "services"),
  priorityClasses: type("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", false),
  jobs: type("batch/v1", "Job", "jobs"),
  statefulSets: type("apps/v1", "StatefulSet", "statefulsets"),
  definitions: type("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
} as const;

function type(apiVersion: string, kind: string, resource: string, namespaced = true): ApiResource {
  return { apiVersion, kind, resource, namespaced, verbs: [] };
}

/** An object as a document of a bundle; the policies stand in its annotations as `brokkr.io/<name>`. */
export function yamlOf(object: KubernetesObject, policies: Readonly<Record<string, string>> = {}): string {
  const named = Object.entries(policies).map(([name, value]) => [`brokkr.io/${name}`, value]);
  const annotations = { ...object.metadata.annotations, ...Object.fromEntries(named) };
  const metadata = named.length === 0 ? object.metadata : { ...object.metadata, annotations };
  return `${JSON.stringify({ ...object, metadata })}\n`;
}

/** A PersistentVolumeClaim: what it holds is lost when it is made anew. */
export function claim(name: string): KubernetesObject {
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name }, spec };
}

/** A ConfigMap with this content. */
export function configMap(name: string, data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

/** A workload that no controller writes the specification of. */
export function statefulSet(
  pod: Readonly<Record<string, unknown>>,
  spec: Readonly<Record<string, unknown>> = {},
): KubernetesObject {
  const labels = { app: "db" };
  const template = { metadata: { labels }, spec: pod };
  const whole = { serviceName: "db", selector: { matchLabels: labels }, ...spec, template };
  return { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "db" }, spec: whole };
}

/** A container with a port. */
export function container(name: string, more: Readonly<Record<string, unknown>> = {}) {
  return { name, image: "registry.example/app:1", ports: [{ containerPort: 8080 }], ...more };
}

/** A Job whose template can't be changed once it is there. */
export function job(image: string, spec: Readonly<Record<string, unknown>> = {}): KubernetesObject {
  const pod = { restartPolicy: "Never", containers: [{ name: "run", image }] };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "migrate" },
    spec: { ...spec, template: { spec: pod } },
  };
}

/** A version of a definition, and which fields of text its specification has. */
export interface DefinedVersion {
  readonly name: string;
  readonly served?: boolean;
  readonly fields?: readonly string[];
}

/** A definition of `Down` in a group, of these versions, of which the last one is kept. */
export function definition(group: string, versions: readonly DefinedVersion[]): KubernetesObject {
  const names = { kind: "Down", plural: "downs", singular: "down", listKind: "DownList" };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `downs.${group}` },
    spec: {
      group,
      names,
      scope: "Namespaced",
      versions: versions.map((version, index) => ({
        name: version.name,
        served: version.served ?? true,
        storage: index === versions.length - 1,
        schema: { openAPIV3Schema: schemaOf(version.fields ?? ["a"]) },
      })),
    },
  };
}

/** A `Down` by one of its versions. */
export function down(group: string, version: string, spec: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: `${group}/${version}`, kind: "Down", metadata: { name: "d" }, spec };
}

/** Where objects of a {@linkcode definition} are by one of its versions. */
export function downs(group: string, version: string): ApiResource {
  return type(`${group}/${version}`, "Down", "downs");
}

function schemaOf(fields: readonly string[]) {
  const properties = Object.fromEntries(fields.map((name) => [name, { type: "string" }]));
  return { type: "object", properties: { spec: { type: "object", properties } } };
}

/** A stack's turns until one settles: a new type is served only a moment after it is made. */
export async function settled(turn: () => Promise<Outcome>): Promise<Outcome> {
  let last = await turn();
  for (let tries = 0; last.result === "failed" && tries < 600; tries += 1) {
    await pause(200);
    last = await turn();
  }
  return last;
}
