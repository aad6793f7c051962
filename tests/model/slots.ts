import type { KubeObject } from "../fakes/cluster/mod.ts";

/** Where the model's objects are. */
export const NAMESPACE = "model";

/** One object that may be in the cluster or not: a stack wants it with some value, or none does. */
export interface Slot {
  readonly kind: string;
  readonly name: string;
  readonly path: string;
  /** The manifest of a bundle, or what a person creates. */
  manifest(value: string): KubeObject;
  /** What a person changes to get this value. */
  patch(value: string): Record<string, never> | Record<string, unknown>;
  /** The value that an object in the cluster has. */
  valueOf(live: KubeObject): unknown;
}

interface Shape {
  readonly kind: string;
  readonly resource: string;
  /** The part of a manifest that holds the value. */
  readonly part: (value: string) => Record<string, unknown>;
  readonly patch?: (value: string) => Record<string, unknown>;
  readonly valueOf: Slot["valueOf"];
}

const CLAIM = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

const SHAPES: readonly Shape[] = [
  {
    kind: "ConfigMap",
    resource: "configmaps",
    part: (value) => ({ data: { value } }),
    valueOf: (live) => valueIn(live, "data"),
  },
  {
    kind: "Secret",
    resource: "secrets",
    part: (value) => ({ stringData: { value } }),
    patch: (value) => ({ data: { value: btoa(value) } }),
    valueOf: (live) => atob(String(valueIn(live, "data") ?? "")),
  },
  {
    kind: "PersistentVolumeClaim",
    resource: "persistentvolumeclaims",
    part: (value) => ({ metadata: { labels: { value } }, spec: CLAIM }),
    patch: (value) => ({ metadata: { labels: { value } } }),
    valueOf: ({ metadata }) => metadata.labels?.value,
  },
];

/** The paths of all that is looked at. */
export const COLLECTIONS: readonly string[] = SHAPES.map(({ resource }) =>
  `/api/v1/namespaces/${NAMESPACE}/${resource}`
);

/** Few, so that stacks meet. */
export const SLOTS: readonly Slot[] = SHAPES.flatMap((shape) =>
  Array.from({ length: 5 }, (_, at) => slotOf(shape, `one-${at}`))
);

/** Somebody else's: nothing ever wants them. */
export const STRANGERS: readonly Slot[] = SHAPES.map((shape) => slotOf(shape, "stranger"));

/** As the model names an object. */
export function keyOf({ kind, metadata: { name } }: Pick<KubeObject, "kind" | "metadata">): string {
  return `${kind}/${name}`;
}

function slotOf({ kind, resource, part, patch = part, valueOf }: Shape, name: string): Slot {
  return {
    kind,
    name,
    path: `/api/v1/namespaces/${NAMESPACE}/${resource}/${name}`,
    manifest(value) {
      const { metadata = {}, ...rest } = part(value);
      return { apiVersion: "v1", kind, ...rest, metadata: { name, namespace: NAMESPACE, ...metadata as object } };
    },
    patch,
    valueOf,
  };
}

function valueIn(live: KubeObject, part: string): unknown {
  const found: unknown = live[part];
  return typeof found === "object" && found !== null && "value" in found ? found.value : undefined;
}
