/** The path of the ConfigMaps of a namespace, or of one of them. */
export function configMaps(namespace: string, name?: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps${name === undefined ? "" : `/${name}`}`;
}

/** A ConfigMap with this content. */
export function configMap(name: string, data: Record<string, unknown>, metadata: Record<string, unknown> = {}) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

/** The path of the Deployments of a namespace, or of one of them. */
export function deployments(namespace: string, name?: string): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments${name === undefined ? "" : `/${name}`}`;
}

/** A Deployment of one container; its image is never pulled. */
export function deployment(name: string, spec: Record<string, unknown> = {}) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "main", image: "registry.example/app:1", ports: [{ containerPort: 8080 }] }] },
      },
      ...spec,
    },
  };
}

/** Where CRDs are. */
export const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** A CRD of namespaced widgets, in a group of its own, whose `spec.size` is a required integer. */
export function widgetDefinition(group: string) {
  const spec = {
    type: "object",
    required: ["size"],
    properties: {
      size: { type: "integer" },
      color: { type: "string", default: "red" },
      notes: { type: "array", items: { type: "string" } },
    },
  };
  const openAPIV3Schema = {
    type: "object",
    properties: { spec, status: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
  };
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema },
    subresources: { status: {} },
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: "widgets", singular: "widget", kind: "Widget", shortNames: ["wd"] },
      versions: [version],
    },
  };
}
