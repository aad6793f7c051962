import assert from "node:assert/strict";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { container, statefulSet, yamlOf } from "./samples.ts";
import { DEPLOYMENT, STATEFUL_SET } from "./world.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Change {
  readonly what: string;
  readonly type: ApiResource;
  readonly before: KubernetesObject;
  readonly after: KubernetesObject;
  /** What there is in the end of what changed. */
  readonly wanted: unknown;
  readonly found: (spec: Spec) => unknown;
  /** The paths that the report names. */
  readonly fields: readonly string[];
}

interface Spec {
  readonly strategy?: unknown;
  readonly updateStrategy?: unknown;
  readonly template: { readonly spec: Fields & { readonly containers: readonly Fields[] } };
}

const POD = { containers: [container("a")] };
const PROBE = { tcpSocket: { port: 8080 } };
const CLAIM = { name: "v", persistentVolumeClaim: { claimName: "x" } };

const CHANGES: readonly Change[] = [
  {
    what: "a Deployment that was rolled out, and is to be made anew,",
    type: DEPLOYMENT,
    before: deployment({}),
    after: deployment({ strategy: { type: "Recreate" } }),
    wanted: { type: "Recreate" },
    found: ({ strategy }) => strategy,
    fields: ["spec.strategy.rollingUpdate", "spec.strategy.type"],
  },
  {
    what: "a StatefulSet that was rolled out, and waits for who deletes its Pods,",
    type: STATEFUL_SET,
    before: statefulSet(POD, { replicas: 0 }),
    after: statefulSet(POD, { replicas: 0, updateStrategy: { type: "OnDelete" } }),
    wanted: { type: "OnDelete" },
    found: ({ updateStrategy }) => updateStrategy,
    fields: ["spec.updateStrategy.rollingUpdate", "spec.updateStrategy.type"],
  },
  {
    what: "a volume that named no type, and gets one,",
    type: STATEFUL_SET,
    before: statefulSet({ ...POD, volumes: [{ name: "v" }] }, { replicas: 0 }),
    after: statefulSet({ ...POD, volumes: [CLAIM] }, { replicas: 0 }),
    wanted: [CLAIM],
    found: ({ template }) => template.spec.volumes,
    fields: ["emptyDir", "persistentVolumeClaim"].map((type) => `spec.template.spec.volumes[name="v"].${type}`),
  },
  {
    what: "a probe that is dropped",
    type: STATEFUL_SET,
    before: statefulSet({ containers: [container("a", { livenessProbe: PROBE })] }, { replicas: 0 }),
    after: statefulSet(POD, { replicas: 0 }),
    wanted: undefined,
    found: ({ template }) => template.spec.containers[0]?.livenessProbe,
    fields: ['spec.template.spec.containers[name="a"].livenessProbe'],
  },
  {
    what: "a workload that drops its ServiceAccount",
    type: STATEFUL_SET,
    before: statefulSet({ ...POD, serviceAccountName: "mighty" }, { replicas: 0 }),
    after: statefulSet(POD, { replicas: 0 }),
    wanted: [undefined, undefined],
    found: ({ template: { spec } }) => [spec.serviceAccountName, spec.serviceAccount],
    fields: ["spec.template.spec.serviceAccount", "spec.template.spec.serviceAccountName"],
  },
  {
    what: "a workload that drops its ServiceAccount, while a volume gets a type,",
    type: STATEFUL_SET,
    before: statefulSet({ ...POD, serviceAccountName: "mighty", volumes: [{ name: "v" }] }, { replicas: 0 }),
    after: statefulSet({ ...POD, volumes: [CLAIM] }, { replicas: 0 }),
    wanted: [undefined, undefined],
    found: ({ template: { spec } }) => [spec.serviceAccountName, spec.serviceAccount],
    fields: [
      ...["serviceAccount", "serviceAccountName"].map((name) => `spec.template.spec.${name}`),
      ...["emptyDir", "persistentVolumeClaim"].map((type) => `spec.template.spec.volumes[name="v"].${type}`),
    ],
  },
  ...[{ wanted: "meek", to: { serviceAccount: "meek" } }, { wanted: undefined, to: {} }].map(({ wanted, to }) => ({
    what: `a workload that names its ServiceAccount by the older name, then ${
      wanted === undefined ? "none" : "another"
    },`,
    type: STATEFUL_SET,
    before: statefulSet({ ...POD, serviceAccount: "mighty" }, { replicas: 0 }),
    after: statefulSet({ ...POD, ...to }, { replicas: 0 }),
    wanted: [wanted, wanted],
    found: ({ template: { spec } }: Spec) => [spec.serviceAccountName, spec.serviceAccount],
    fields: ["spec.template.spec.serviceAccount", "spec.template.spec.serviceAccountName"],
  })),
];

/**
 * Of several alternatives in an object the manifest takes another one: what was filled in of the former goes with it.
 */
export const alternativeCases: readonly ReconcileCase[] = CHANGES.flatMap((change) =>
  [true, false].map((isMade) => ({
    name: `${change.what} becomes that, ${isMade ? "made by us" : "made by a person before us"}, and stays so`,
    async run({ agent, newStack, as, hand, namespace }): Promise<void> {
      const { type, before, after, wanted, found, fields } = change;
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-create")];
      if (!isMade) await person.create(type, { ...before, metadata: { ...before.metadata, namespace } });
      await one.reconcile(stack, yamlOf(before));

      const changed = await one.reconcile(stack, yamlOf(after));
      const again = await one.reconcile(stack, yamlOf(after), { compareAll: true });

      assert.deepEqual([changed.result, again.result], ["applied", "unchanged"], changed.message);
      const live = await hand.get(type, before.metadata.name, namespace) as KubernetesObject & { readonly spec: Spec };
      assert.deepEqual(found(live.spec), wanted);
      assert.deepEqual(changed.results[0]?.fields?.toSorted(), fields, JSON.stringify(changed.results));
    },
  } satisfies ReconcileCase))
);

function deployment(spec: Fields): KubernetesObject {
  const { apiVersion, metadata, spec: { serviceName: _, ...own } } = statefulSet(POD) as KubernetesObject & {
    readonly spec: Fields;
  };
  return { apiVersion, kind: "Deployment", metadata, spec: { ...own, ...spec, replicas: 0 } } as KubernetesObject;
}
