import { Failure } from "$lib/error.ts";
import {
  type ApiResource,
  isRefused,
  type Kubernetes,
  type KubernetesObject,
  type ObjectPlace,
} from "$lib/kubernetes.ts";
import { VERSION } from "$lib/version.ts";
import {
  APPLYSET_ID,
  applySetId,
  type GroupKind,
  groupKindText,
  OWNER_ID,
  parseGroupKind,
  type SetIdentity,
} from "./names.ts";

/** The resource of roots and parents, known without asking. */
export const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};
/** Annotations of a parent that say which stack it is, and what was last applied as a whole. */
export const STACK_ID = "brokkr.io/stack-id";
/** The stack's name, for people and for messages. */
export const STACK_NAME = "brokkr.io/stack-name";
/** The deployment object last applied as a whole. */
export const DEPLOYMENT_OBJECT_ID = "brokkr.io/deployment-object-id";
/** The checksum of that object's bundle. */
export const DEPLOYMENT_CHECKSUM = "brokkr.io/deployment-checksum";
const TOOLING = "applyset.kubernetes.io/tooling";
const GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds";
const ADDITIONAL_NAMESPACES = "applyset.kubernetes.io/additional-namespaces";
/** Ours beside it: the convention takes the parent's own namespace for granted, where an agent need not have any rights. */
const NAMESPACES = "brokkr.io/namespaces";

/** What a parent says. */
export interface ParentRecord {
  readonly stackName: string;
  /** The kinds that the set's members can be of. */
  readonly groupKinds: readonly GroupKind[];
  /** The namespaces that they can be in. */
  readonly namespaces: readonly string[];
  /** What was last applied as a whole; undefined while nothing was. */
  readonly deploymentObjectId: string | undefined;
  readonly deploymentChecksum: string | undefined;
}

/** A stack's parent, as it is in the cluster. */
export interface Parent {
  readonly uid: string;
  readonly record: ParentRecord;
  /** Word for word, so that one that is spoilt or of an older version is put right by the next write. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The parents of one agent's sets. */
export interface Parents {
  /** The set of a stack, whether or not it has a parent yet. */
  setOf(stackId: string): Promise<SetIdentity>;
  /**
   * The parent of a stack.
   *
   * @throws {Failure} `kubernetes_rejected` when it is another agent's.
   */
  find(stackId: string, signal?: AbortSignal): Promise<Parent | undefined>;
  /** Makes the parent by POST, or changes by merge patch what differs, or does nothing. */
  write(stackId: string, change: ParentChange, signal?: AbortSignal): Promise<Parent>;
  /** Takes the parent away: the stack is out of the inventory. */
  remove(stackId: string, parent: Parent, signal?: AbortSignal): Promise<void>;
}

/** A parent as it was read, and as it is to be. */
export interface ParentChange {
  readonly before: Parent | undefined;
  readonly record: ParentRecord;
}

/** Where parents live, and whose they are. */
export interface ParentsParts {
  readonly kubernetes: Kubernetes;
  readonly agentId: string;
  readonly namespace: string;
}

/** Parents over the Kubernetes door. */
export function createParents(parts: ParentsParts): Parents {
  const { kubernetes, agentId, namespace } = parts;
  const placeOf = (stackId: string): ObjectPlace => ({
    resource: CONFIG_MAPS,
    namespace,
    name: `brokkr-stack-${stackId}-${agentId.slice(0, 8)}`,
  });

  async function find(stackId: string, signal?: AbortSignal): Promise<Parent | undefined> {
    const object = await kubernetes.get(placeOf(stackId), signal);
    return object === undefined ? undefined : parentOf(object, parts);
  }

  /** A POST whose answer was lost is repeated, and then the parent is there already: it is changed to what it is to be. */
  async function make(stackId: string, record: ParentRecord, signal?: AbortSignal): Promise<Parent> {
    const { name } = placeOf(stackId);
    const labels = { [APPLYSET_ID]: await applySetId(name, namespace) };
    const metadata = { name, namespace, labels, annotations: annotationsOf(record, { ...parts, stackId }) };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata };
    try {
      return parentOf(await kubernetes.create(CONFIG_MAPS, object, { signal }), parts);
    } catch (error) {
      const before = isRefused(error, 409) ? await find(stackId, signal) : undefined;
      if (before === undefined) throw error;
      return await write(stackId, { before, record }, signal);
    }
  }

  async function write(stackId: string, { before, record }: ParentChange, signal?: AbortSignal): Promise<Parent> {
    if (before === undefined) return await make(stackId, record, signal);
    const annotations = difference(before.annotations, annotationsOf(record, { ...parts, stackId }));
    if (annotations === undefined) return before;
    const patched = await kubernetes.patch(placeOf(stackId), { metadata: { uid: before.uid, annotations } }, {
      signal,
    });
    return patched === undefined ? await make(stackId, record, signal) : parentOf(patched, parts);
  }

  return {
    find,
    write,
    async setOf(stackId) {
      return { id: await applySetId(placeOf(stackId).name, namespace), stackId, agentId };
    },
    async remove(stackId, { uid }, signal) {
      await kubernetes.delete(placeOf(stackId), { uid }, signal);
    },
  };
}

function parentOf({ metadata }: KubernetesObject, { agentId, namespace }: ParentsParts): Parent {
  const { name, annotations = {}, uid = "" } = metadata;
  if (annotations[OWNER_ID] !== agentId) {
    const message = `Cannot use ConfigMap "${name}" in namespace "${namespace}": it belongs to another agent`;
    throw new Failure("kubernetes_rejected", message);
  }
  return {
    uid,
    annotations,
    record: {
      stackName: annotations[STACK_NAME] ?? "",
      groupKinds: texts(annotations[GROUP_KINDS]).map(parseGroupKind),
      namespaces: texts(annotations[NAMESPACES] ?? `${namespace},${annotations[ADDITIONAL_NAMESPACES] ?? ""}`),
      deploymentObjectId: annotations[DEPLOYMENT_OBJECT_ID],
      deploymentChecksum: annotations[DEPLOYMENT_CHECKSUM],
    },
  };
}

type Annotated = ParentsParts & { readonly stackId: string };

function annotationsOf(record: ParentRecord, { agentId, namespace, stackId }: Annotated): Record<string, string> {
  const { stackName, groupKinds, namespaces, deploymentObjectId, deploymentChecksum } = record;
  return {
    [OWNER_ID]: agentId,
    [STACK_ID]: stackId,
    [STACK_NAME]: stackName,
    [TOOLING]: `brokkr/v${VERSION}`,
    [GROUP_KINDS]: sorted(groupKinds.map(groupKindText)),
    [ADDITIONAL_NAMESPACES]: sorted(namespaces.filter((one) => one !== namespace)),
    [NAMESPACES]: sorted(namespaces),
    ...(deploymentObjectId === undefined ? {} : { [DEPLOYMENT_OBJECT_ID]: deploymentObjectId }),
    ...(deploymentChecksum === undefined ? {} : { [DEPLOYMENT_CHECKSUM]: deploymentChecksum }),
  };
}

function difference(
  before: Parent["annotations"],
  after: Parent["annotations"],
): Parent["annotations"] | undefined {
  const changed = Object.entries(after).filter(([name, value]) => before[name] !== value);
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

function texts(list: string | undefined): string[] {
  return list?.split(",").filter((text) => text !== "") ?? [];
}

function sorted(words: readonly string[]): string {
  return [...new Set(words)].sort().join(",");
}
