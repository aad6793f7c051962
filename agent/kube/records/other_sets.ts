import { isRefused, type ObjectMeta } from "$lib/kubernetes.ts";
import { APPLYSET_ID, OWNER_ID, PART_OF } from "../names.ts";
import { stackText } from "../outcome.ts";
import { STACK_NAME } from "./parent_text.ts";
import { CONFIG_MAPS, type RecordsParts } from "./records.ts";

/** Who else in this cluster keeps sets of objects. */
export interface OtherSets {
  /** Who holds a member of another agent's or stack's set, in words; undefined when that set's parent is gone. */
  holderOf(member: ObjectMeta, signal: AbortSignal): Promise<string | undefined>;
}

/**
 * Looks for parents of sets: those of this agent where it keeps its inventory, so that a set whose parent was left
 * elsewhere is taken over when `agent.namespace` changes; those of other agents in the whole cluster.
 */
export function createOtherSets({ kubernetes, agentId, namespace }: Omit<RecordsParts, "log">): OtherSets {
  return {
    async holderOf({ labels, annotations }, signal) {
      const id = labels?.[PART_OF] ?? "";
      const owner = annotations?.[OWNER_ID];
      const where = owner === agentId ? { namespace } : {};
      try {
        const labelSelector = `${APPLYSET_ID}=${id}`;
        const { items: [parent] } = await kubernetes.listMetadata(CONFIG_MAPS, { ...where, labelSelector, signal });
        if (parent === undefined) return undefined;
        const { name, annotations: own } = parent.metadata;
        const stack = stackText(own?.[STACK_NAME] ?? name);
        return owner === agentId
          ? stack
          : `${stack} of agent "${owner}"; if that one is lost: take-over --from ${owner}`;
      } catch (error) {
        if (!isRefused(error, 403)) throw error;
        return `the ApplySet "${id}" of agent "${owner}"`;
      }
    },
  };
}
