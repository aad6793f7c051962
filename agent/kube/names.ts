import { sha256Base64Url } from "$lib/ids.ts";
import type { ApiResource, ObjectMeta } from "$lib/kubernetes.ts";
import { OWNER_ID } from "$lib/marks.ts";

export { ADOPTED, MANIFEST_CHECKSUM, OWNER_ID, PART_OF, STACK } from "$lib/marks.ts";

/** The label of a set's parent that holds the set's id. */
export const APPLYSET_ID = "applyset.kubernetes.io/id";
/** Annotation by which a person keeps a member from being pruned: `disabled`. */
export const PRUNE = "brokkr.io/prune";

/** A kind without its version. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** The set that one stack's objects are members of. */
export interface SetIdentity {
  /** `applyset-…-v1`. */
  readonly id: string;
  readonly stackId: string;
  readonly agentId: string;
}

/** The group of an `apiVersion`; empty for the core. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** A group and kind as parents name them: `ConfigMap`, `Deployment.apps`. */
export function groupKindText({ group, kind }: GroupKind): string {
  return group === "" ? kind : `${kind}.${group}`;
}

/** The reverse of {@linkcode groupKindText}. */
export function parseGroupKind(text: string): GroupKind {
  const dot = text.indexOf(".");
  return dot < 0 ? { group: "", kind: text } : { group: text.slice(dot + 1), kind: text.slice(0, dot) };
}

/** The group and kind of a resource. */
export function groupKindOf({ apiVersion, kind }: Pick<ApiResource, "apiVersion" | "kind">): GroupKind {
  return { group: groupOf(apiVersion), kind };
}

/** What makes an object the same one whatever version of the API it is read in. */
export function objectKey(
  { group, kind }: GroupKind,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
): string {
  return JSON.stringify([group, kind, namespace ?? "", name]);
}

/** The id of the set whose parent is this ConfigMap, as KEP-3659 has it. */
export async function applySetId(name: string, namespace: string): Promise<string> {
  return `applyset-${await sha256Base64Url(`${name}.${namespace}.ConfigMap.`)}-v1`;
}

/** What an agent's root is called, and its Lease. */
export function rootName(agentId: string): string {
  return `brokkr-agent-${agentId}`;
}

/** What a stack's parent is called. */
export function parentName(agentId: string, stackId: string): string {
  return `brokkr-stack-${stackId}-${agentId.slice(0, 8)}`;
}

const RECORD_NAME = /^brokkr-(?:agent-([\da-f-]{36})|stack-[\da-f-]{36}-([\da-f]{8})(?:-\d+)?)$/;

/**
 * Which other agent keeps a record in an object (its root, a stack's parent or a piece of that), whoever spoilt its
 * marks: then of a parent the first digits of the id are all that its name tells. Undefined for whatever else there is.
 */
export function otherKeeper(
  groupKind: GroupKind,
  { name, annotations }: ObjectMeta,
  agentId: string,
): string | undefined {
  if (groupKindText(groupKind) !== "ConfigMap") return undefined;
  const [, id, digits] = RECORD_NAME.exec(name) ?? [];
  const keeper = annotations?.[OWNER_ID] ?? id ?? digits;
  return (id ?? digits) === undefined || keeper === undefined || agentId.startsWith(keeper) ? undefined : keeper;
}
