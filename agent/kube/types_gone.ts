import type { ApiResource, Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import type { Discovery } from "./discovery.ts";
import type { GroupKind } from "./names.ts";

const DEFINITIONS: ApiResource = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  resource: "customresourcedefinitions",
  namespaced: false,
  verbs: [],
};

/**
 * Whether a kind that the API server does not serve is truly gone, so that there are no objects of it. One whose
 * definition is there and serves no version has its objects still; they only can't be seen.
 *
 * @throws {Failure} when the definitions can't be seen.
 */
export async function isTypeGone(
  { kubernetes, discovery }: { readonly kubernetes: Kubernetes; readonly discovery: Discovery },
  { group, kind }: GroupKind,
  signal: AbortSignal,
): Promise<boolean> {
  if (!group.includes(".")) return true;
  if (await discovery.find(DEFINITIONS.apiVersion, DEFINITIONS.kind, signal) === undefined) return true;
  const { items } = await kubernetes.listMetadata(DEFINITIONS, { signal });
  const names = items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith(`.${group}`));
  const definitions = await Promise.all(names.map((name) => kubernetes.get({ resource: DEFINITIONS, name }, signal)));
  return !definitions.some((definition) => definition !== undefined && defines(definition, kind));
}

function defines({ spec }: KubernetesObject, kind: string): boolean {
  return (spec as { readonly names?: { readonly kind?: string } } | undefined)?.names?.kind === kind;
}
