import type { KubernetesObject } from "$lib/kubernetes.ts";
import { compareObjects } from "../../agent/kube/compare/differences.ts";
import { type FieldSet, isMember, readable } from "../../agent/kube/compare/field_sets.ts";

/** The fields of a set as texts, such as `spec.template.spec.containers[name="a"].image`. */
export function pathsOf(set: FieldSet): string[] {
  return belowIn(set, "");
}

function belowIn(set: FieldSet, path: string): string[] {
  return Object.entries(set).flatMap(([element, node]) => {
    if (element === ".") return [];
    const text = `${path}${readable(element)}`;
    const here = path === "" && text.startsWith(".") ? text.slice(1) : text;
    return [...(isMember(node) ? [here] : []), ...belowIn(node, here)];
  });
}

/** The fields at which two objects differ, as texts. */
export function differingPaths(live: KubernetesObject, after: KubernetesObject): readonly string[] {
  return compareObjects(live, after).fields.map(({ path }) => path);
}
