import type { Kubernetes, ObjectMeta } from "$lib/kubernetes.ts";
import { APPLYSET_ID, OWNER_ID, PART_OF } from "./names.ts";
import { CONFIG_MAPS, STACK_NAME } from "./parents.ts";

/** Who else in this cluster keeps sets of objects. */
export interface OtherSets {
  /** Who holds a member of another set, in words; undefined when that set's parent is gone. */
  holderOf(member: ObjectMeta, signal: AbortSignal): Promise<string | undefined>;
}

/**
 * Looks for parents of sets in the whole cluster. A set of ours has a ConfigMap as its parent; that of another tool can be
 * of any kind, so nobody can say that it is gone.
 */
export function createOtherSets(kubernetes: Kubernetes): OtherSets {
  return {
    async holderOf({ labels, annotations }, signal) {
      const id = labels?.[PART_OF] ?? "";
      if (annotations?.[OWNER_ID] === undefined) return `the ApplySet "${id}" of another tool`;
      const [parent] = await kubernetes.listMetadata(CONFIG_MAPS, { labelSelector: `${APPLYSET_ID}=${id}`, signal });
      if (parent === undefined) return undefined;
      const { name, annotations: own } = parent.metadata;
      return `stack "${own?.[STACK_NAME] ?? name}"`;
    },
  };
}
