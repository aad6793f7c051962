/** Bundles of the kinds that people deliver, each of about `size` characters. */
export function shapes(size: number): Readonly<Record<string, string>> {
  return {
    "Deployments": repeated(deployment, size),
    "definitions": repeated(definition, size),
    "dashboards": repeated(dashboard, size),
    "typed lists": repeated(roleList, size),
    "one List of all": list(size),
  };
}

function repeated(make: (index: number) => string, size: number): string {
  const documents: string[] = [];
  let length = 0;
  while (length < size) {
    documents.push(make(documents.length));
    length += (documents.at(-1)?.length ?? 0) + 4;
  }
  return documents.join("---\n");
}

function indented(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}

function list(size: number): string {
  const items = repeated((index) => [deployment, dashboard, definition][index % 3]?.(index) ?? "", size).split(
    /^---\n/m,
  );
  return `apiVersion: v1\nkind: List\nitems:\n${items.map((item) => `-${indented(item, "  ").slice(1)}`).join("")}`;
}

function deployment(index: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${index}
  namespace: team-${index % 7}
  labels: {app.kubernetes.io/name: app-${index}, app.kubernetes.io/part-of: shop}
spec:
  replicas: 3
  strategy:
    rollingUpdate:
      maxSurge: 25%
      maxUnavailable: 0
  selector:
    matchLabels:
      app.kubernetes.io/name: app-${index}
  template:
    metadata:
      annotations:
        checksum/config: "${String(index).repeat(16)}"
      labels:
        app.kubernetes.io/name: app-${index}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: main
        image: "registry.example/shop/app:${index}.2.1"
        args: ["--listen=:8080", "--log-level=info"]
        env:
        - name: GOMAXPROCS
          value: "2"
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        ports:
        - {name: http, containerPort: 8080}
        readinessProbe:
          httpGet: {path: /readyz, port: http}
          periodSeconds: 10
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits:
            memory: 256Mi
        volumeMounts:
        - mountPath: /etc/app
          name: config
          readOnly: yes
      volumes:
      - name: config
        secret:
          secretName: app-${index}
          defaultMode: 0440
`;
}

function definition(index: number): string {
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.18.0
  name: widgets${index}.shop.example
spec:
  group: shop.example
  names:
    kind: Widget${index}
    listKind: Widget${index}List
    plural: widgets${index}
    singular: widget${index}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
    schema:
      openAPIV3Schema:
        description: A widget is what the shop sells, as it stands in the catalogue that its customers see.
        type: object
        properties:
          spec:
            type: object
            properties:
${Array.from({ length: 30 }, (_, field) => property(field)).join("")}            required:
            - field0
`;
}

function property(field: number): string {
  return `              field${field}:
                description: |-
                  Field ${field} says how often, in seconds, the widget is looked at; it's "as needed" when left out.

                  More is in the manual: see its chapter ${field}.
                type: object
                default: {}
                properties:
                  period:
                    description: >-
                      Seconds between two looks. Must be more than nothing, and less
                      than an hour.
                    format: int64
                    minimum: 1
                    maximum: 3600
                    type: integer
                  names:
                    items:
                      type: string
                    type: array
                    x-kubernetes-list-type: set
                x-kubernetes-preserve-unknown-fields: true
`;
}

function dashboard(index: number): string {
  const panels = Array.from({ length: 20 }, (_, id) => ({
    ...{ id, type: "timeseries", title: `Requests of ${id}`, gridPos: { h: 8, w: 12, x: 0, y: id * 8 } },
    targets: [{ expr: `sum by (code) (rate(http_requests_total{job="app-${index}"}[5m]))`, legendFormat: "{{code}}" }],
    fieldConfig: { defaults: { unit: "reqps", custom: { fillOpacity: 10, lineWidth: 1 } }, overrides: [] },
  }));
  const json = JSON.stringify({ uid: `app-${index}`, title: `App ${index}`, refresh: "30s", panels }, null, 2);
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: dashboard-${index}
  labels:
    grafana_dashboard: "1"
data:
  app.json: |-
${indented(json, "    ")}
`;
}

function roleList(index: number): string {
  const role = (name: number) =>
    `- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata:
    name: reader-${index}-${name}
    namespace: team-${name}
  rules:
  - apiGroups:
    - ""
    resources:
    - services
    - endpoints
    - pods
    verbs:
    - get
    - list
    - watch
`;
  return `apiVersion: rbac.authorization.k8s.io/v1
items:
${Array.from({ length: 10 }, (_, name) => role(name)).join("")}kind: RoleList
`;
}
