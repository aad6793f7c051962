/** What each word of story 21 stands for: manifests that name no namespace, as people have them in files. */
export const MANIFESTS: Readonly<Record<string, string>> = {
  modes: `apiVersion: apps/v1
kind: Deployment
metadata: { name: modes, namespace: }
spec:
  replicas: 0
  selector: { matchLabels: { app: modes } }
  template:
    metadata: { creationTimestamp: null, labels: { app: modes } }
    spec:
      containers: [{ name: main, image: example/main }]
      volumes:
      - { name: secret, secret: { secretName: some, defaultMode: 0400, optional: true } }
      - { name: config, configMap: { name: some, defaultMode: 0o440, items: [{ key: a, path: a, mode: 0644 }] } }
      - { name: fields, downwardAPI: { defaultMode: 0x1A4, items: [] } }
`,
  words: `apiVersion: apps/v1
kind: Deployment
metadata: { name: words, labels: { quoted: "yes", number: '012' } }
spec:
  replicas: 0
  paused: on
  selector: { matchLabels: { app: words } }
  template:
    metadata: { labels: { app: words } }
    spec:
      hostNetwork: no
      automountServiceAccountToken: off
      containers: [{ name: main, image: example/main, tty: ON, securityContext: { readOnlyRootFilesystem: yes } }]
---
apiVersion: stories.example/v1
kind: Thing
metadata: { name: words }
spec:
  words: [yes, Yes, YES, no, No, NO, on, On, ON, off, Off, OFF, true, True, TRUE, false, y, Y, n, N, yEs, "yes", 'off']
  keys: [{ yes: 1 }, { NO: 1 }, { On: 1 }, { off: 1 }, { true: 1 }, { y: 1 }, { "no": 1 }]
  nothing: [~, null, Null, "~", ""]
  dates: [2001-12-14, 2001-12-14T21:59:43Z]
  base: &base { a: 1, b: no }
  merged: { <<: *base, b: 2 }
  literal: |
    yes
    0400
  folded: >-
    one
    line
`,
  numbers: `apiVersion: stories.example/v1
kind: Thing
metadata: { name: numbers }
spec:
  whole: [0400, 0o17, 0b101, 0x1F, 1_000, -0400, +1, 0, 08, 12e03, 190:20:30]
  broken: [1.5, .5, 1., 1e3, 6.0221e+23, -1.25e-7, 1_000.5]
  large: [9007199254740991, 9007199254740993, 9223372036854775807, -9223372036854775808, 1234567890123456789]
  keys: [{ 0400: 1 }, { 1_000: 1 }, { 0x10: 1 }, { 1.5: 1 }]
`,
  lists: `apiVersion: v1
kind: List
metadata: { resourceVersion: "" }
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: { name: of-list, namespace: "" }
  data: { a: b }
- apiVersion: v1
  kind: ServiceAccount
  metadata: { name: of-list }
---
apiVersion: v1
kind: ConfigMapList
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: { name: of-config-map-list, namespace: }
  data: { a: b }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleList
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: { name: of-role-list }
  rules: [{ apiGroups: [""], resources: [pods], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBindingList
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: { name: of-role-binding-list }
  roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
`,
  exported: `apiVersion: v1
kind: List
metadata:
  resourceVersion: ""
  selfLink: ""
items:
- apiVersion: v1
  data: { k: v }
  kind: ConfigMap
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"exported"}}
    creationTimestamp: "2025-01-02T03:04:05Z"
    name: exported
    resourceVersion: "12345"
    uid: 11111111-2222-4333-8444-555555555555
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    creationTimestamp: "2025-01-02T03:04:05Z"
    finalizers: [kubernetes.io/pvc-protection]
    name: exported
    resourceVersion: "12346"
    uid: 11111111-2222-4333-8444-555555555556
  spec:
    accessModes: [ReadWriteOnce]
    resources: { requests: { storage: 1Gi } }
    storageClassName: none
    volumeMode: Filesystem
  status: { phase: Pending }
- apiVersion: v1
  data: { password: aHVzaA== }
  kind: Secret
  metadata: { creationTimestamp: null, name: exported, uid: 11111111-2222-4333-8444-555555555557 }
  type: Opaque
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    creationTimestamp: "2025-01-02T03:04:05Z"
    generation: 3
    name: exported
    resourceVersion: "12347"
    uid: 11111111-2222-4333-8444-555555555558
  spec:
    progressDeadlineSeconds: 600
    replicas: 0
    revisionHistoryLimit: 10
    selector: { matchLabels: { app: e } }
    strategy: { rollingUpdate: { maxSurge: 25%, maxUnavailable: 25% }, type: RollingUpdate }
    template:
      metadata:
        creationTimestamp: null
        labels: { app: e }
      spec:
        containers:
        - { image: nginx, imagePullPolicy: IfNotPresent, name: a, resources: {}, terminationMessagePath: /dev/termination-log }
        dnsPolicy: ClusterFirst
        schedulerName: default-scheduler
        securityContext: {}
  status: { observedGeneration: 3, replicas: 0 }
- apiVersion: batch/v1
  kind: CronJob
  metadata: { creationTimestamp: "2025-01-02T03:04:05Z", generation: 1, name: exported, resourceVersion: "12348" }
  spec:
    jobTemplate:
      metadata: { creationTimestamp: null }
      spec:
        template:
          metadata: {}
          spec: { containers: [{ image: nginx, name: a, resources: {} }], restartPolicy: Never }
    schedule: 0 4 1 1 *
    suspend: true
  status: {}
`,
  "stringData": `apiVersion: v1
kind: Secret
metadata: { name: strings }
data: { kept: YQ==, both: YQ== }
stringData: { both: b, text: "ü", number: "0400" }
`,
};

/** What neither takes, whatever each calls it. */
export const REFUSED: Readonly<Record<string, string>> = {
  "a word where a text must be": `apiVersion: v1
kind: ConfigMap
metadata: { name: refused }
data: { a: yes }
`,
  "a number where a text must be": `apiVersion: v1
kind: ConfigMap
metadata: { name: refused }
data: { a: 0400 }
`,
  "infinity": `apiVersion: stories.example/v1
kind: Thing
metadata: { name: refused }
spec: { a: .inf }
`,
};

/** The type whose objects hold anything. */
export const THING = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.stories.example" },
  spec: {
    group: "stories.example",
    scope: "Namespaced",
    names: { kind: "Thing", plural: "things", singular: "thing" },
    versions: [{
      ...{ name: "v1", served: true, storage: true },
      schema: {
        openAPIV3Schema: {
          type: "object",
          properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      },
    }],
  },
};
