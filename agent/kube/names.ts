import { sha256Base64Url } from "$lib/ids.ts";
import type { ApiResource } from "$lib/kubernetes.ts";

/** The label that makes an object a member of a set; its value is the set's id. */
export const PART_OF = "applyset.kubernetes.io/part-of";
/** The label of a set's parent that holds the set's id. */
export const APPLYSET_ID = "applyset.kubernetes.io/id";
/** Labels under this prefix belong to the convention: a manifest may not bring its own. */
export const APPLYSET_PREFIX = "applyset.kubernetes.io/";
/** Annotation: the agent that applied an object, or keeps a parent. */
export const OWNER_ID = "brokkr.io/owner-id";
/** Annotation of a member: its stack's id. */
export const STACK = "k8s.brokkr.io/stack";
/** Annotation of a member: the SHA-256 of its one manifest. */
export const MANIFEST_CHECKSUM = "brokkr.io/manifest-checksum";
/** Annotation of a member that was there before us: it is released, never deleted. */
export const ADOPTED = "brokkr.io/adopted";
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
