import type { Manifest, Value } from "./yaml.ts";

/** A namespaced thing. */
export interface Place {
  readonly name: string;
  readonly namespace: string;
}

const RBAC = "rbac.authorization.k8s.io";

/** Nothing but its name. */
export function namespace(name: string): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { "app.kubernetes.io/part-of": name } } };
}

/** An account for a workload of that name. */
export function serviceAccount(place: Place): Manifest {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: metadataOf(place) };
}

/** Rights in the whole cluster, and who has them. */
export function clusterRights(place: Place, rules: readonly Manifest[]): readonly Manifest[] {
  const { name } = place;
  return [
    { apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata: { name }, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
      subjects: [subject(place)],
    },
  ];
}

/** A Role of a namespace. */
export function role(place: Place, rules: readonly Manifest[]): Manifest {
  return { apiVersion: `${RBAC}/v1`, kind: "Role", metadata: metadataOf(place), rules };
}

/** Gives the account a Role of the binding's namespace. */
export function roleBinding(place: Place, roleName: string, account: Place): Manifest {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: "RoleBinding",
    metadata: metadataOf(place),
    roleRef: { apiGroup: RBAC, kind: "Role", name: roleName },
    subjects: [subject(account)],
  };
}

/** A rule for `get`, `list` and `watch`. */
export function reads(group: string, ...resources: readonly string[]): Manifest {
  return { apiGroups: [group], resources, verbs: ["get", "list", "watch"] };
}

/** A Service before the workload of its name. */
export function service(place: Place, port: number): Manifest {
  const ports = [{ name: "https", port, protocol: "TCP", targetPort: "https" }];
  const spec = { selector: { "app.kubernetes.io/name": place.name }, ports };
  return { apiVersion: "v1", kind: "Service", metadata: metadataOf(place), spec };
}

/** A workload with probes, resources and a mounted file, as most are. */
export function deployment(place: Place, port: number): Manifest {
  const labels = { "app.kubernetes.io/name": place.name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(place),
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: pod(place, port) },
    },
  };
}

/** A task that ends, as bundles use them to prepare what a workload needs. */
export function job(place: Place, args: readonly string[]): Manifest {
  const container = { name: "task", image: "registry.example/task:1.4.4", args };
  const template = { spec: { serviceAccountName: "default", restartPolicy: "OnFailure", containers: [container] } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: metadataOf(place), spec: { backoffLimit: 6, template } };
}

/** A ConfigMap of texts. */
export function configMap(place: Place, data: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadataOf(place), data };
}

/** Things of one kind as one typed list, which is how jsonnet prints them. */
export function typedList(items: readonly Manifest[]): Manifest {
  const [first] = items;
  if (first === undefined) throw new Error("a typed list needs an item");
  return { apiVersion: first["apiVersion"] ?? "", kind: `${String(first["kind"])}List`, items };
}

/** Name, namespace and the label that everything of a bundle has. */
export function metadataOf({ name, namespace }: Place): Manifest {
  return { name, namespace, labels: { "app.kubernetes.io/name": name } };
}

function subject({ name, namespace }: Place): Manifest {
  return { kind: "ServiceAccount", name, namespace };
}

function pod({ name }: Place, port: number): Manifest {
  const probe = (path: string): Value => ({ httpGet: { path, port: "https", scheme: "HTTPS" }, periodSeconds: 10 });
  return {
    serviceAccountName: name,
    securityContext: { runAsNonRoot: true, runAsUser: 65532 },
    containers: [{
      name: "main",
      image: `registry.example/${name}:2.1.0`,
      args: [`--secure-port=${port}`, "--log-level=info"],
      ports: [{ name: "https", containerPort: port }],
      env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
      livenessProbe: probe("/livez"),
      readinessProbe: probe("/readyz"),
      resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "0.5Gi" } },
      volumeMounts: [{ name: "scratch", mountPath: "/tmp" }],
    }],
    volumes: [{ name: "scratch", emptyDir: {} }],
  };
}
