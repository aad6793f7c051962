import type { KubernetesObject } from "$lib/kubernetes.ts";

/** Where the model's objects are, and where those that name no namespace may be, too. */
export const NAMESPACES = ["model", "model-b"] as const;
/** Where objects are that name their namespace. */
export const NAMESPACE = NAMESPACES[0];

/** One object that may be in the cluster or not: a stack wants it with some value, or none does. */
export interface Candidate {
  readonly kind: string;
  readonly name: string;
  /** Whether its manifest names no namespace: the stack's policy says where it goes. */
  readonly isHomeless: boolean;
  /** Whether a change means that it is deleted and made anew. */
  readonly isReplaced: boolean;
  /** The versions of its type in which a manifest may be, the stored one last. */
  readonly versions: readonly string[];
  /** The manifest of a bundle, or what a person creates; in the newest version where none is named. */
  manifest(value: string, version?: string): KubernetesObject;
  /** What a person changes to get this value; undefined where nobody can. */
  patch(value: string): Record<string, unknown> | undefined;
  /** The value that an object in the cluster has. */
  valueOf(live: KubernetesObject): unknown;
}

interface Shape {
  readonly kind: string;
  readonly group: string;
  readonly resource: string;
  readonly versions: readonly string[];
  readonly prefix: string;
  readonly count: number;
  readonly isHomeless?: boolean;
  readonly isReplaced?: boolean;
  /** The part of a manifest that holds the value. */
  readonly part: (value: string) => Record<string, unknown>;
  readonly patch?: (value: string) => Record<string, unknown> | undefined;
  readonly valueOf: Candidate["valueOf"];
}

const CLAIM = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const CORE = { group: "", versions: ["v1"] };
const CONFIG_MAPS = {
  ...CORE,
  kind: "ConfigMap",
  resource: "configmaps",
  valueOf: (live: KubernetesObject) => valueIn(live, "data"),
};

const SHAPES: readonly Shape[] = [
  { ...CONFIG_MAPS, prefix: "one", count: 5, part: (value) => ({ data: { value } }) },
  { ...CONFIG_MAPS, prefix: "home", count: 3, isHomeless: true, part: (value) => ({ data: { value } }) },
  {
    ...CONFIG_MAPS,
    prefix: "fixed",
    count: 2,
    isReplaced: true,
    part: (value) => ({
      metadata: { annotations: { "brokkr.io/replace": "immutable" } },
      immutable: true,
      data: { value },
    }),
    patch: () => undefined,
  },
  {
    ...CORE,
    kind: "Secret",
    resource: "secrets",
    prefix: "one",
    count: 4,
    part: (value) => ({ stringData: { value } }),
    patch: (value) => ({ data: { value: btoa(value) } }),
    valueOf: (live) => atob(String(valueIn(live, "data") ?? "")),
  },
  {
    ...CORE,
    kind: "PersistentVolumeClaim",
    resource: "persistentvolumeclaims",
    prefix: "one",
    count: 3,
    part: (value) => ({ metadata: { labels: { value } }, spec: CLAIM }),
    patch: (value) => ({ metadata: { labels: { value } } }),
    valueOf: ({ metadata }) => metadata.labels?.value,
  },
  {
    group: "model.example",
    versions: ["v1", "v2"],
    kind: "Widget",
    resource: "widgets",
    prefix: "one",
    count: 4,
    part: (value) => ({ spec: { value } }),
    valueOf: (live) => valueIn(live, "spec"),
  },
];

/** One list of all that is looked at, by kind and namespace; of the type with versions in the one that is stored. */
export interface Collection {
  readonly kind: string;
  readonly path: string;
}

/** The version of the own type that is stored, and is always served. */
export const STORED_VERSION = "v2";

/** Every collection that the model's objects may be in. */
export const COLLECTIONS: readonly Collection[] = [...new Map(SHAPES.map((shape) => [shape.kind, shape])).values()]
  .flatMap((shape) => NAMESPACES.map((namespace) => ({ kind: shape.kind, path: collectionPath(shape, namespace) })));

/** Few, so that stacks meet. */
export const CANDIDATES: readonly Candidate[] = SHAPES.flatMap((shape) =>
  Array.from({ length: shape.count }, (_, at) => candidateOf(shape, `${shape.prefix}-${at}`))
);

/** Somebody else's: nothing ever wants them. */
export const STRANGERS: readonly Candidate[] = SHAPES.filter(({ isHomeless, isReplaced }) => !isHomeless && !isReplaced)
  .map((shape) => candidateOf(shape, "stranger"));

/** As the model names an object's place. */
export function placeOf(candidate: Pick<Candidate, "kind" | "name">, namespace: string): string {
  return `${candidate.kind}/${namespace}/${candidate.name}`;
}

/** The candidate at a place, by kind and name. */
export function candidateAt(place: string): Candidate | undefined {
  const [kind, , name] = place.split("/");
  return CANDIDATES.find((candidate) => candidate.kind === kind && candidate.name === name);
}

/** Where objects of a candidate's kind are in a namespace. */
export function collectionOf({ kind }: Pick<Candidate, "kind">, namespace: string): string {
  const shape = SHAPES.find((shape) => shape.kind === kind);
  if (shape === undefined) throw new Error(`Cannot find a collection: no kind is ${kind}`);
  return collectionPath(shape, namespace);
}

/** The path of a place. */
export function pathOf(place: string): string {
  const [kind = "", namespace = "", name] = place.split("/");
  return `${collectionOf({ kind }, namespace)}/${name}`;
}

/** The kind whose collection a request names. */
export function kindOf(resource: string | undefined): string | undefined {
  return SHAPES.find((shape) => shape.resource === resource)?.kind;
}

function collectionPath({ group, resource }: Shape, namespace: string): string {
  const root = group === "" ? "/api/v1" : `/apis/${group}/${STORED_VERSION}`;
  return `${root}/namespaces/${namespace}/${resource}`;
}

function candidateOf(shape: Shape, name: string): Candidate {
  const { kind, group, versions, part, patch = part, valueOf, isHomeless = false, isReplaced = false } = shape;
  return {
    ...{ kind, name, isHomeless, isReplaced, versions, patch, valueOf },
    manifest(value, version = versions.at(-1)) {
      const { metadata = {}, ...rest } = part(value);
      const home = isHomeless ? {} : { namespace: NAMESPACE };
      const apiVersion = group === "" ? `${version}` : `${group}/${version}`;
      return { apiVersion, kind, ...rest, metadata: { name, ...home, ...metadata as object } };
    },
  };
}

function valueIn(live: KubernetesObject, part: string): unknown {
  const found: unknown = (live as unknown as Record<string, unknown>)[part];
  return typeof found === "object" && found !== null && "value" in found ? found.value : undefined;
}
