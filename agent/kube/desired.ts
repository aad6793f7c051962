import { type Failure, isFailure } from "$lib/error.ts";
import type { ApiResource, KubernetesObject, ObjectPlace } from "$lib/kubernetes.ts";
import type { Policies } from "$lib/policies.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import type { PreparedManifest } from "./reading/prepare.ts";
import type { Discovery } from "./discovery.ts";
import {
  type GroupKind,
  groupKindOf,
  groupOf,
  MANIFEST_CHECKSUM,
  objectKey,
  OWNER_ID,
  PART_OF,
  type SetIdentity,
  STACK,
} from "./names.ts";
import { broughtGroup, isCustom, OF_OTHER_SERVERS, type Stage, stageOf } from "./apply/order.ts";

/** One object as it is to be in the cluster. */
export interface Desired {
  readonly key: string;
  readonly groupKind: GroupKind;
  readonly place: ObjectPlace;
  readonly stage: Stage;
  /** The checksum of its normalised manifest. */
  readonly checksum: string;
  /** What 0.10.0 called the checksum of a manifest that means the same; undefined where it means something else now. */
  readonly legacyChecksum: string | undefined;
  readonly policies: Policies;
  /** The manifest with our labels and annotations. */
  readonly object: KubernetesObject;
  /** Where its manifest stands in the bundle, in words. */
  readonly source: string;
  /** Whether its type comes with this very bundle, so that the API server does not know it yet. */
  readonly isOfNewType: boolean;
  /** Whether another server than the API server has what there is of its type, by an APIService. */
  readonly isOfOtherServer: boolean;
}

/** What manifests become once the API server's types are known. */
export interface Resolved {
  readonly desired: readonly Desired[];
  /** Manifests of no known type, or that mean the same object. */
  readonly refusals: readonly StagedRefusal[];
}

/** A manifest that could not even be tried, and the stage that it belongs to. */
export interface StagedRefusal {
  readonly stage: Stage;
  /** What it may be once its type is known: nobody else's deletion is to miss that it is wanted. */
  readonly keys: readonly string[];
  readonly result: ObjectResult;
  /** The checksum of its manifest, where all that is wrong is that the server of its type does not answer. */
  readonly awayChecksum?: string;
}

/** What manifests are resolved by. */
export interface Resolving {
  readonly discovery: Discovery;
  /** For manifests of namespaced kinds that name none. */
  readonly defaultNamespace: string;
  readonly set: SetIdentity;
}

/** Finds each manifest's place in the API. */
export async function resolveDesired(
  manifests: readonly PreparedManifest[],
  resolving: Resolving,
  signal: AbortSignal,
): Promise<Resolved> {
  const types = await findTypes(manifests, resolving.discovery, signal);
  const desired = new Map<string, Desired>();
  const refusals: StagedRefusal[] = [];
  for (const manifest of manifests) {
    const type = types.get(typeName(manifest));
    if (type === undefined || "why" in type) {
      const { why: error, stage, isAway = false } = type ?? unknownType(manifest);
      const away = isAway ? { awayChecksum: manifest.checksum } : {};
      refusals.push({ ...refusal(manifest, { ...resolving, error, stage }), ...away });
      continue;
    }
    const one = desiredOf(manifest, { ...resolving, type });
    if (desired.has(one.key)) refusals.push(refusal(manifest, { ...resolving, error: TWICE, stage: one.stage }));
    desired.set(one.key, one);
  }
  return { desired: [...desired.values()], refusals };
}

/** Of a custom type a controller may make the definition, by what the bundle brings: nothing of that waits for it. */
function unknownType(manifest: PreparedManifest): Missing {
  const groupKind = { group: groupOf(manifest.apiVersion), kind: manifest.kind };
  return { why: noSuchKind(manifest), stage: isCustom(groupKind) ? OF_OTHER_SERVERS : stageOf(groupKind) };
}

function noSuchKind({ apiVersion, kind }: PreparedManifest): string {
  return `there is no kind "${kind}" in "${apiVersion}"`;
}

/** What a result says of which object it is. */
export type ObjectName = Pick<ObjectResult, "group" | "kind" | "namespace" | "name">;

/** What is said of an object: its kind, with its group where that has one, its namespace and name. */
export function objectName({ resource, namespace, name }: ObjectPlace): ObjectName {
  return objectNameOf({ ...groupKindOf(resource), namespace, name });
}

/** The same of what a record remembers. */
export function objectNameOf({ group, kind, namespace, name }: GroupKind & ObjectName): ObjectName {
  return { ...(group === "" ? {} : { group }), kind, ...(namespace === undefined ? {} : { namespace }), name };
}

/** What went wrong with one object, without saying again which one it is. */
export function errorText({ message, details }: Failure): string {
  return typeof details?.message === "string" ? details.message : message;
}

interface Type {
  readonly resource: ApiResource;
  readonly isNew: boolean;
  readonly isOfOtherServer?: boolean;
  /** Where not that of its kind. */
  readonly stage?: Stage;
}

/** A type that is not to be had now. */
interface Missing {
  readonly why: string;
  readonly stage: Stage;
  /** Its server does not answer. */
  readonly isAway?: true;
}

async function findTypes(
  manifests: readonly PreparedManifest[],
  discovery: Discovery,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Type | Missing>> {
  const brought = broughtTypes(manifests);
  const groups = broughtGroups(manifests);
  const one = new Map(manifests.map((manifest) => [typeName(manifest), manifest]));
  const found = await Promise.all([...one].map(async ([name, manifest]) => {
    const stage = groups.has(groupOf(manifest.apiVersion)) ? { stage: OF_OTHER_SERVERS } : {};
    const resource = await find(discovery, manifest, signal);
    if (resource !== undefined && !("why" in resource) && !isDeliverable(resource)) {
      discovery.forget(resource.apiVersion);
      return [name, { why: undeliverable(resource), stage: stage.stage ?? stageOf(groupKindOf(resource)) }] as const;
    }
    if (resource !== undefined && "why" in resource) return [name, resource] as const;
    if (resource !== undefined) {
      const isOfOtherServer = isCustom(groupKindOf(resource)) && await discovery.isOfOtherServer(resource, signal);
      return [name, { resource, isNew: false, isOfOtherServer, ...stage }] as const;
    }
    const isLater = stage.stage !== undefined && !brought.has(name);
    const why = `${noSuchKind(manifest)} yet, which an APIService of this bundle brings`;
    return [name, isLater ? { why, stage: OF_OTHER_SERVERS } : brought.get(name)] as const;
  }));
  return new Map(found.flatMap(([name, type]) => type === undefined ? [] : [[name, type] as const]));
}

/** That one API of another server does not answer, or says that it can't, says nothing of all the rest. */
async function find(
  discovery: Discovery,
  { apiVersion, kind }: PreparedManifest,
  signal: AbortSignal,
): Promise<ApiResource | Missing | undefined> {
  try {
    return await discovery.find(apiVersion, kind, signal);
  } catch (error) {
    const isOther = isCustom({ group: groupOf(apiVersion), kind });
    if (!isOther || !isFailure(error, "kubernetes_unavailable")) throw error;
    await discovery.serves("v1", signal); // else it is the API server itself that is away
    const why = `its API "${apiVersion}" does not answer: ${errorText(error)}`;
    return { why, stage: OF_OTHER_SERVERS, isAway: true };
  }
}

/** What bringing an object, and taking it away again, asks of the API server. */
const NEEDED_VERBS = ["get", "patch", "delete"];

/**
 * A definition that is being deleted lets its resources be read and deleted still, which is said of those in other
 * words.
 */
function isDeliverable(resource: ApiResource): boolean {
  const missing = missingVerbs(resource);
  return missing.length === 0 || (missing.join() === "patch" && isCustom(groupKindOf(resource)));
}

function undeliverable(resource: ApiResource): string {
  const [{ apiVersion, kind }, missing] = [resource, missingVerbs(resource).join(", ")];
  return `kind "${kind}" in "${apiVersion}" is none that can be delivered: the API server has no ${missing} for it`;
}

function missingVerbs({ verbs }: ApiResource): readonly string[] {
  return NEEDED_VERBS.filter((verb) => !verbs.includes(verb));
}

function broughtGroups(manifests: readonly PreparedManifest[]): ReadonlySet<string> {
  return new Set(
    manifests.flatMap(({ apiVersion, kind, name }) => broughtGroup({ group: groupOf(apiVersion), kind }, name) ?? []),
  );
}

function typeName({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  return `${apiVersion} ${kind}`;
}

interface CustomType {
  readonly spec?: {
    readonly group?: string;
    readonly scope?: string;
    readonly names?: { readonly kind?: string; readonly plural?: string };
    readonly versions?: readonly { readonly name?: string; readonly served?: boolean }[];
  };
}

/** The types that the bundle's own CustomResourceDefinitions will make known. */
function broughtTypes(manifests: readonly PreparedManifest[]): ReadonlyMap<string, Type> {
  const definitions = manifests.filter(({ kind, apiVersion }) =>
    kind === "CustomResourceDefinition" && groupOf(apiVersion) === "apiextensions.k8s.io"
  );
  return new Map(definitions.flatMap(({ object }) => {
    const { group, scope, names, versions } = (object as CustomType).spec ?? {};
    return (versions ?? []).filter(({ served }) => served !== false).map(({ name }): [string, Type] => {
      const resource = {
        apiVersion: `${group}/${name}`,
        kind: names?.kind ?? "",
        resource: names?.plural ?? "",
        namespaced: scope === "Namespaced",
        verbs: [],
      };
      return [typeName(resource), { resource, isNew: true }];
    });
  }));
}

function desiredOf(
  manifest: PreparedManifest,
  { type: { resource, isNew, isOfOtherServer = false, stage }, defaultNamespace, set }: Resolving & {
    readonly type: Type;
  },
): Desired {
  const { name, namespace, checksum, legacyChecksum, policies } = manifest;
  const object = manifest.object as unknown as KubernetesObject;
  const where = resource.namespaced ? { namespace: namespace ?? defaultNamespace } : {};
  const place = { resource, name, ...where };
  const { namespace: _, ...metadata } = object.metadata;
  const groupKind = groupKindOf(resource);
  const marks = { [STACK]: set.stackId, [OWNER_ID]: set.agentId, [MANIFEST_CHECKSUM]: checksum };
  return {
    key: objectKey(groupKind, place),
    groupKind,
    place,
    stage: stage ?? (isNew ? 4 : stageOf(groupKind)),
    checksum,
    legacyChecksum,
    policies,
    source: sourceOf(manifest),
    isOfNewType: isNew,
    isOfOtherServer,
    object: {
      ...object,
      metadata: {
        ...metadata,
        ...where,
        labels: { ...metadata.labels, [PART_OF]: set.id },
        annotations: { ...metadata.annotations, ...marks },
      },
    },
  };
}

const TWICE = "the bundle has this object twice";

function refusal(
  manifest: PreparedManifest,
  { defaultNamespace, error, stage }: Pick<Resolving, "defaultNamespace"> & {
    readonly error: string;
    readonly stage: Stage | undefined;
  },
): StagedRefusal {
  const { apiVersion, kind, namespace, name } = manifest;
  const groupKind = { group: groupOf(apiVersion), kind };
  return {
    stage: stage ?? stageOf(groupKind),
    keys: [{ name }, { name, namespace: namespace ?? defaultNamespace }].map((place) => objectKey(groupKind, place)),
    result: {
      ...objectNameOf({ ...groupKind, namespace, name }),
      action: "failed",
      error: `${sourceOf(manifest)}: ${error}`,
    },
  };
}

function sourceOf({ document, line }: Pick<PreparedManifest, "document" | "line">): string {
  return `document ${document}, line ${line}`;
}
