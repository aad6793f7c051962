import { type DefinedType, definition, pluralOf, resourceOf } from "./definitions.ts";
import {
  clusterRights,
  configMap,
  deployment,
  job,
  metadataOf,
  namespace,
  reads,
  role,
  roleBinding,
  service,
  serviceAccount,
  typedList,
} from "./parts.ts";
import type { Manifest } from "./yaml.ts";

/** An operator's bundle: ten definitions of more than 256 KiB each, 4 MB together, and a resource of each. */
export function operator(): readonly Manifest[] {
  const place = { name: "operator", namespace: "operator" };
  const group = "operator.example.org";
  const types: readonly DefinedType[] = Array.from({ length: 10 }, (_, index) => ({
    ...{ group, kind: `Machine${"ABCDEFGHIJ"[index]}`, scope: "Namespaced", schemaCharacters: 300_000 },
  }));
  return [
    namespace(place.namespace),
    ...types.map(definition),
    serviceAccount(place),
    ...clusterRights(place, [reads(group, ...types.map(({ kind }) => pluralOf(kind))), reads("", "pods", "secrets")]),
    service(place, 8443),
    deployment(place, 8443),
    ...types.map((type) => resourceOf(type, metadataOf({ ...place, name: "first" }), { field1: 3, field2: false })),
  ];
}

/**
 * An ingress controller: Jobs that make a certificate, and the webhook that is checked with it. Nothing serves the
 * webhook, and an Ingress that it decides about is in the same bundle.
 */
export function ingressController(): readonly Manifest[] {
  const place = { name: "ingress-controller", namespace: "ingress" };
  const admission = { ...place, name: "ingress-admission" };
  return [
    webhook("Fail", admission),
    namespace(place.namespace),
    serviceAccount(place),
    ...clusterRights(place, [reads("", "services", "secrets"), reads("networking.k8s.io", "ingresses")]),
    role(place, [reads("coordination.k8s.io", "leases")]),
    roleBinding(place, place.name, place),
    configMap(place, { "allow-snippet-annotations": "false", "proxy-body-size": "8m" }),
    service(place, 443),
    service(admission, 8443),
    deployment(place, 443),
    job({ ...place, name: "ingress-admission-create" }, ["create", "--secret-name=ingress-admission"]),
    job({ ...place, name: "ingress-admission-patch" }, ["patch", "--patch-failure-policy=Fail"]),
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: "imitated" },
      spec: { controller: "example.org/ingress" },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: metadataOf({ ...place, name: "shop" }),
      spec: { ingressClassName: "imitated", defaultBackend: { service: { name: place.name, port: { number: 443 } } } },
    },
    webhook("Ignore", { ...admission, name: "ingress-advice" }),
  ];
}

/** An aggregated API whose server never comes up, with the binding in `kube-system` that such servers ask for. */
export function aggregatedApi(): readonly Manifest[] {
  const place = { name: "metrics-api", namespace: "aggregated" };
  const reader = { name: "metrics-api-auth-reader", namespace: "kube-system" };
  return [
    namespace(place.namespace),
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: "v1.measured.example.org" },
      spec: {
        group: "measured.example.org",
        version: "v1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { ...place, port: 443 },
      },
    },
    serviceAccount(place),
    ...clusterRights(place, [reads("", "nodes", "pods"), reads("measured.example.org", "nodes", "pods")]),
    roleBinding(reader, "extension-apiserver-authentication-reader", place),
    service(place, 443),
    deployment(place, 10250),
  ];
}

/** A monitoring set as jsonnet prints it: typed lists, dashboards of some 50 KB, definitions and their resources. */
export function monitoring(): readonly Manifest[] {
  const place = { name: "monitor", namespace: "monitoring" };
  const group = "monitoring.example.org";
  const kinds = ["Prober", "ServiceMonitor", "AlertSet", "Monitor"];
  const types: readonly DefinedType[] = kinds.map((kind) => ({
    ...{ group, kind, scope: "Namespaced", schemaCharacters: kind === "Monitor" ? 300_000 : 30_000 },
  }));
  const watched = ["default", "kube-system", place.namespace].map((namespace) => ({ ...place, namespace }));
  return [
    namespace(place.namespace),
    ...types.map(definition),
    serviceAccount(place),
    ...clusterRights(place, [reads("", "nodes/metrics"), { nonResourceURLs: ["/metrics"], verbs: ["get"] }]),
    typedList(watched.map((there) => role(there, [reads("", "services", "endpoints", "pods")]))),
    typedList(watched.map((there) => roleBinding(there, place.name, place))),
    typedList(Array.from({ length: 20 }, (_, index) => dashboard(place.namespace, index))),
    service(place, 9090),
    deployment(place, 9090),
    ...types.flatMap((type) =>
      Array.from(
        { length: 5 },
        (_, index) => resourceOf(type, metadataOf({ ...place, name: `${place.name}-${index}` })),
      )
    ),
  ];
}

/** A service mesh: its definitions, resources of each in the same bundle, and webhooks that nothing serves. */
export function serviceMesh(): readonly Manifest[] {
  const place = { name: "meshd", namespace: "mesh" };
  const types: readonly DefinedType[] = Array.from({ length: 14 }, (_, index) => ({
    group: ["networking", "security", "telemetry"].map((name) => `${name}.mesh.example.org`)[index % 3] ?? "",
    kind: `Mesh${"ABCDEFGHIJKLMN"[index]}`,
    scope: index === 0 ? "Cluster" : "Namespaced",
    schemaCharacters: 30_000,
  }));
  const metadata = { namespace: place.namespace, name: "default" };
  return [
    ...types.map((type) => resourceOf(type, type.scope === "Cluster" ? { name: "default" } : metadataOf(metadata))),
    ...types.map(definition),
    namespace(place.namespace),
    serviceAccount(place),
    ...clusterRights(place, [reads("", "pods"), ...types.map(({ group, kind }) => reads(group, pluralOf(kind)))]),
    configMap(place, {
      mesh: "accessLogFile: /dev/stdout\ndefaultConfig:\n  discoveryAddress: meshd.mesh.svc:15012\n",
    }),
    service(place, 15017),
    deployment(place, 15017),
    webhook("Fail", place, "MutatingWebhookConfiguration"),
  ];
}

/** Asks a service that nothing is behind about every Ingress of its own namespace. */
function webhook(
  failurePolicy: "Fail" | "Ignore",
  { name, namespace }: { readonly name: string; readonly namespace: string },
  kind = "ValidatingWebhookConfiguration",
): Manifest {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: [{
      name: "check.imitated.example.org",
      admissionReviewVersions: ["v1"],
      failurePolicy,
      sideEffects: "None",
      timeoutSeconds: 2,
      clientConfig: { service: { name, namespace, path: "/check" } },
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      rules: [{
        apiGroups: ["networking.k8s.io"],
        apiVersions: ["v1"],
        operations: ["CREATE", "UPDATE"],
        resources: ["ingresses"],
      }],
    }],
  };
}

function dashboard(namespace: string, index: number): Manifest {
  const panel = (id: number) => ({
    ...{ id, type: "timeseries", title: `Panel ${id}`, gridPos: { h: 8, w: 12, x: (id % 2) * 12, y: id * 4 } },
    targets: [{ expr: `sum by (job) (rate(requests_total{cluster="$cluster", panel="${id}"}[5m]))`, refId: "A" }],
  });
  const board = { title: `Board ${index}`, panels: Array.from({ length: 100 }, (_, id) => panel(id)) };
  return configMap({ name: `dashboard-${index}`, namespace }, { "board.json": JSON.stringify(board, null, 2) });
}
