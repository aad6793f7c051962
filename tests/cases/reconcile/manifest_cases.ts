import assert from "node:assert/strict";
import { keptDigits } from "$lib/json.ts";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { container, job, statefulSet, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, DEPLOYMENT } from "./world.ts";

const SECRET: ApiResource = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };
const WEBHOOKS: ApiResource = {
  ...{ apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration" },
  ...{ resource: "validatingwebhookconfigurations", namespaced: false, verbs: [] },
};
const NETWORK_POLICY: ApiResource = {
  ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", resource: "networkpolicies" },
  ...{ namespaced: true, verbs: [] },
};
const CLUSTER_ROLE: ApiResource = {
  ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" },
  ...{ resource: "clusterroles", namespaced: false, verbs: [] },
};
const VOLUME: ApiResource = {
  ...{ apiVersion: "v1", kind: "PersistentVolume", resource: "persistentvolumes" },
  ...{ namespaced: false, verbs: [] },
};
/** A certificate of nobody, as an injector puts one in. */
const CERTIFICATE = [
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJiekNDQVJXZ0F3SUJBZ0lVYnRlY2N2WDhPTC8wOEYvMG04cEwvSEpCajhz",
  "d0NnWUlLb1pJemowRUF3SXcKRERFS01BZ0dBMVVFQXd3QllUQWdGdzB5TmpFeE1qZ3hPREkwTWpoYUdBOHlNVEkyTVRFd05ERTRN",
  "alF5T0ZvdwpEREVLTUFnR0ExVUVBd3dCWVRCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkkvOFVDRkd2Z1E3CkN3",
  "ZjgvcjZEK0t2TmRsMk1NY1RHTUoxeEFZbVlEUzB4ak0zWFhmcDgrN3NJTXVTMEVJOGx3YXJ6Qkw0SUk2Sm8KSjAzVVNvQmxsR2lq",
  "VXpCUk1CMEdBMVVkRGdRV0JCUkRhMFZsTzhrTU1CaHR2VUxWUDZNRmtSTkkwVEFmQmdOVgpIU01FR0RBV2dCUkRhMFZsTzhrTU1C",
  "aHR2VUxWUDZNRmtSTkkwVEFQQmdOVkhSTUJBZjhFQlRBREFRSC9NQW9HCkNDcUdTTTQ5QkFNQ0EwZ0FNRVVDSVFDWm1kOGYwTG15",
  "QWhUcFltakp4a3Ftc25iczd4cm1HMG55WTgwejdFeEkKZlFJZ0QwaFllZlpjOUd0V0JNQlVJZ3dzVjZxd3daU3ZJcHp5TWJkcjcw",
  "akg1NmM9Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K",
].join("");
const SIMULATED_ROUNDS = "the simulated cluster keeps numbers as JavaScript does";

/** A Deployment without pods, of which the template says what is tried. */
function deployment(name: string, template: string, metadata = ""): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}${metadata} }
spec:
  replicas: 0
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { creationTimestamp: null, labels: { app: ${name} } }
    spec:
${template.replace(/^/gm, "      ")}
`;
}

interface Scaled {
  readonly spec: { readonly replicas: number };
}

interface PodTemplate {
  readonly hostNetwork?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly containers: readonly { readonly securityContext?: unknown }[];
  readonly volumes?: readonly { readonly secret: { readonly defaultMode: number } }[];
}

function templateOf(live: KubernetesObject | undefined): PodTemplate {
  return (live as unknown as { spec: { template: { spec: PodTemplate } } }).spec.template.spec;
}

/** Manifests mean in the cluster what they mean to `kubectl apply`. */
export const manifestCases: readonly ReconcileCase[] = [
  {
    name: "modes in octal and words of YAML 1.1 reach the cluster as Kubernetes reads them",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const template = `automountServiceAccountToken: off
hostNetwork: no
containers: [{ name: a, image: nginx, securityContext: { readOnlyRootFilesystem: yes } }]
volumes: [{ name: s, secret: { secretName: some, defaultMode: 0400, optional: true } }]`;

      const outcome = await one.reconcile(newStack(), deployment("octal", template));

      assert.equal(outcome.result, "applied", outcome.message);
      const live = templateOf(await hand.get(DEPLOYMENT, "octal", namespace));
      assert.equal(live.volumes?.[0]?.secret.defaultMode, 0o400);
      assert.equal(live.automountServiceAccountToken, false);
      assert.deepEqual(live.containers[0]?.securityContext, { readOnlyRootFilesystem: true });
    },
  },
  {
    name: "a list of any kind is its items, and a namespace that is null or empty is none",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();

      const outcome = await one.reconcile(
        newStack(),
        `apiVersion: v1
kind: ConfigMapList
metadata: { resourceVersion: "" }
items:
- metadata: { name: one, namespace: }
  data: { a: b }
- apiVersion: v1
  kind: ConfigMap
  metadata: { name: two, namespace: "" }
`,
      );

      assert.equal(outcome.result, "applied", outcome.message);
      for (const name of ["one", "two"]) assert.notEqual(await hand.get(CONFIG_MAP, name, namespace), undefined, name);
    },
  },
  {
    name: "what kubectl prints can be delivered, and is fought over with nobody",
    async run({ agent, newStack }) {
      const [one, stack] = [await agent(), newStack()];
      const printed = `, uid: 11111111-2222-4333-8444-555555555556, resourceVersion: "12347", generation: 3,
  creationTimestamp: "2025-01-02T03:04:05Z", managedFields: [{ manager: kubectl }],
  ownerReferences: [{ apiVersion: v1, kind: ConfigMap, name: none, uid: 11111111-2222-4333-8444-555555555557 }],
  annotations: { deployment.kubernetes.io/revision: "3" }`;
      const bundle = `${
        deployment("exported", "containers: [{ name: a, image: nginx, resources: {} }]", printed)
      }status:
  observedGeneration: 3
  replicas: 0
`;

      const first = await one.reconcile(stack, bundle);
      const second = await one.reconcile(stack, bundle);

      assert.deepEqual([first.result, second.result], ["applied", "unchanged"], first.message);
      assert.equal(second.driftRepaired, 0);
      assert.deepEqual([first, second].map(({ warnings }) => warnings.length), [1, 1]);
    },
  },
  {
    name: "a key taken out of stringData leaves the Secret, and one that is null is empty there",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const secret = (data: string) => `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: ${data}\n`;
      const data = async () => (await hand.get(SECRET, "s", namespace) as unknown as { data: unknown }).data;
      await one.reconcile(stack, secret("{ a: x, b: ü, c: }"));
      const before = await data();

      const outcome = await one.reconcile(stack, secret("{ b: ü }"));

      assert.equal(outcome.result, "applied", outcome.message);
      assert.deepEqual([before, await data()], [{ a: "eA==", b: "w7w=", c: "" }, { b: "w7w=" }]);
    },
  },
  {
    name: "a null in the place of what the API server fills in is as if it were not there",
    async run({ agent, newStack }) {
      const [one, stack] = [await agent(), newStack()];
      const ports = "[{ name: , port: 80, protocol: null, targetPort: null, nodePort: ~ }]";
      const bundle = `apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: { type: , ports: ${ports} }\n`;

      const first = await one.reconcile(stack, bundle);
      const again = await one.reconcile(stack, bundle, { compareAll: true });

      assert.deepEqual([first.result, again.result], ["applied", "unchanged"], again.message);
    },
  },
  {
    name: "a field that is null is left to an autoscaler, and to the API server that fills it in",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, scaler] = [await agent(), newStack(), await as("some-scaler")];
      const nulls = { replicas: null, updateStrategy: null, podManagementPolicy: null };
      const bundle = bundleOf(
        yamlOf(statefulSet({ containers: [container("a")], nodeSelector: null, volumes: null }, nulls)),
        yamlOf(job("registry.example/app:1", { suspend: true, selector: null, parallelism: null })),
      );
      const first = await one.reconcile(stack, bundle);
      await scaler.patch(TYPES.statefulSets, { name: "db", namespace }, { spec: { replicas: 5 } });

      const again = await one.reconcile(stack, bundle, { compareAll: true });

      assert.deepEqual([first.result, again.result, again.driftRepaired], ["applied", "unchanged", 0], again.message);
      assert.equal((await hand.get(TYPES.statefulSets, "db", namespace) as unknown as Scaled).spec.replicas, 5);
    },
  },
  {
    name: "a claim and a volume as kubectl prints them can be delivered in another place, bound to nobody there",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const uid = "11111111-2222-4333-8444-555555555556";
      const bound =
        `annotations: { pv.kubernetes.io/bound-by-controller: "yes", pv.kubernetes.io/bind-completed: "yes" }`;
      const bundle = `apiVersion: v1
kind: PersistentVolume
metadata: { name: ${namespace}, ${bound} }
spec:
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  hostPath: { path: /x }
  claimRef: { kind: PersistentVolumeClaim, name: none, namespace: ${namespace}, uid: ${uid}, resourceVersion: "5" }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: c, ${bound} }
spec: { accessModes: [ReadWriteOnce], volumeName: none, resources: { requests: { storage: 1Gi } } }
`;

      const first = await one.reconcile(stack, bundle);
      const again = await one.reconcile(stack, bundle, { compareAll: true });

      assert.deepEqual([first.result, again.result], ["applied", "unchanged"], first.message);
      const volume = await hand.get(VOLUME, namespace) as unknown as { spec: { claimRef: Record<string, unknown> } };
      assert.deepEqual([volume.spec.claimRef.name, volume.spec.claimRef.uid], ["none", undefined]);
      const claim = await hand.get(TYPES.claims, "c", namespace);
      assert.equal(claim?.metadata.annotations?.["pv.kubernetes.io/bind-completed"], undefined);
      await one.remove(stack);
    },
  },
  {
    name:
      "a NetworkPolicy that gets rules for what goes out is about that from then on, and not when it has them no more",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const policy = (rules: string) =>
        `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: p }\nspec: { podSelector: {}${rules} }\n`;
      const types = async () => {
        const live = await hand.get(NETWORK_POLICY, "p", namespace) as unknown as { spec: { policyTypes: unknown } };
        return live.spec.policyTypes;
      };
      const found = [];
      const ends = [];
      for (const rules of ["", ", egress: [{ to: [{ podSelector: {} }] }]", ""]) {
        await one.reconcile(stack, policy(rules));
        found.push(await types());
        ends.push((await one.reconcile(stack, policy(rules), { compareAll: true })).result);
      }

      assert.deepEqual(found, [["Ingress"], ["Ingress", "Egress"], ["Ingress"]]);
      assert.deepEqual(ends, ["unchanged", "unchanged", "unchanged"]);
    },
  },
  {
    name: "whole numbers keep every digit on their way to the cluster",
    skipOn: { simulated: SIMULATED_ROUNDS },
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const [group, kind] = [`n${namespace.slice(-8)}.example`, "Number"];
      const bundle = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: numbers.${group} }
spec:
  group: ${group}
  scope: Namespaced
  names: { kind: ${kind}, plural: numbers, singular: number }
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: { type: object, x-kubernetes-preserve-unknown-fields: true }
---
apiVersion: ${group}/v1
kind: ${kind}
metadata: { name: big }
spec: { id: 9007199254740993, most: 9223372036854775807 }
`;

      const outcome = await one.reconcile(newStack(), bundle);

      assert.equal(outcome.result, "applied", outcome.message);
      const resource = { apiVersion: `${group}/v1`, kind, resource: "numbers", namespaced: true, verbs: [] };
      const { spec } = await hand.get(resource, "big", namespace) as unknown as { spec: Record<string, unknown> };
      assert.deepEqual(["id", "most"].map((key) => keptDigits(spec[key])), ["9007199254740993", "9223372036854775807"]);
    },
  },
  {
    name: "a certificate that somebody puts in the place of a placeholder stays",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `hooks-${namespace}`];
      const bundle = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: ${name} }
webhooks:
- name: a.brokkr.example
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  rules: [{ apiGroups: [none.example], apiVersions: [v1], operations: [CREATE], resources: [nothing] }]
  clientConfig: { caBundle: Cg==, service: { name: a, namespace: default } }
`;
      await one.reconcile(stack, bundle);
      const live = await hand.get(WEBHOOKS, name) as unknown as { webhooks: Record<string, unknown>[] };
      const clientConfig = { ...live.webhooks[0]?.clientConfig as object, caBundle: CERTIFICATE };
      await hand.patch(WEBHOOKS, { name }, { webhooks: [{ ...live.webhooks[0], clientConfig }] });

      const outcome = await one.reconcile(stack, bundle);

      assert.equal(outcome.driftRepaired, 0);
      const after = await hand.get(WEBHOOKS, name) as unknown as { webhooks: { clientConfig: { caBundle: string } }[] };
      assert.equal(after.webhooks[0]?.clientConfig.caBundle, CERTIFICATE);
      await one.remove(stack);
    },
  },
  {
    name: "the rules that its controller gathers for an aggregated ClusterRole are left to it",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, controller] = [await agent(), newStack(), await as("clusterrole-aggregation-controller")];
      const metadata = (name: string) => `{ name: ${name}-${namespace}, labels: { ${name}: ${namespace} } }`;
      const rbac = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n";
      const bundle = `${rbac}metadata: ${metadata("whole")}
aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: ${namespace} } }] }
rules: [] # the control plane fills them in
---
${rbac}metadata: ${metadata("part")}
rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
`;
      await one.reconcile(stack, bundle);
      const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
      await controller.patch(CLUSTER_ROLE, { name: `whole-${namespace}` }, { rules });

      const outcome = await one.reconcile(stack, bundle, { compareAll: true });

      assert.deepEqual([outcome.result, outcome.driftRepaired], ["unchanged", 0], outcome.message);
      assert.deepEqual((await hand.get(CLUSTER_ROLE, `whole-${namespace}`) as { rules?: unknown })?.rules, rules);
      await one.remove(stack);
    },
  },
  {
    name: "a Job as kubectl prints it can be delivered in another place, and is left as its controller has it",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const uid = "11111111-2222-4333-8444-555555555556";
      const labels = `{ a: b, controller-uid: ${uid}, batch.kubernetes.io/controller-uid: ${uid}, job-name: j }`;
      const bundle = `apiVersion: batch/v1
kind: Job
metadata: { name: j, labels: ${labels} }
spec:
  suspend: true
  manualSelector: false
  selector: { matchLabels: { batch.kubernetes.io/controller-uid: ${uid} } }
  template:
    metadata: { labels: ${labels} }
    spec: { restartPolicy: Never, containers: [{ name: a, image: nginx }] }
`;

      const first = await one.reconcile(stack, bundle);
      const again = await one.reconcile(stack, bundle, { compareAll: true });

      assert.deepEqual([first.result, again.result], ["applied", "unchanged"], first.message);
      const { labels: live } = (await hand.get(TYPES.jobs, "j", namespace))?.metadata ?? {};
      assert.deepEqual([live?.a, Object.values(live ?? {}).includes(uid)], ["b", false]);
    },
  },
];
