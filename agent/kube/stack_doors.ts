import type { Kubernetes } from "$lib/kubernetes.ts";
import type { StackRecord } from "../plan/record.ts";
import type { StackIdentity, TurnParts } from "./reconcile.ts";

/**
 * Doors whose requests wait in their stack's queue and, where the agent is told so, are asked as the stack's generator:
 * with what that user may, and no group's rights beside. Of a stack whose generator nobody recorded they are asked as a
 * user to whom nobody gives a right: then nothing is done for it, rather than by the agent's own rights.
 */
export interface StackDoors {
  of(stack: Owned): Kubernetes;
  /** The asker's door with the rights of the stack that has an object now; undefined where those are its own. */
  ofHolder(asker: Owned, holder: Owned | undefined): Kubernetes | undefined;
}

type Owned = Pick<StackIdentity, "id" | "generatorId">;

/** What stacks' doors are made of. */
export interface StackDoorsParts {
  readonly kubernetes: Kubernetes;
  /** Whether a stack's requests are its generator's, so that the cluster's own rules bound what a team can deliver. */
  readonly impersonatesGenerators: boolean;
}

/** Doors over the agent's own. */
export function stackDoors({ kubernetes, impersonatesGenerators }: StackDoorsParts): StackDoors {
  function of({ id, generatorId = "unknown" }: Owned): Kubernetes {
    const who = impersonatesGenerators ? { impersonate: `brokkr:generator:${generatorId}` } : {};
    return kubernetes.forStack(id, who);
  }
  function ofHolder({ id, generatorId }: Owned, holder: Owned | undefined): Kubernetes | undefined {
    const isSame = !impersonatesGenerators || holder === undefined || holder.generatorId === generatorId;
    return isSame ? undefined : of({ id, generatorId: holder.generatorId });
  }
  return { of, ofHolder };
}

/** The parts of a stack's turn; whose the stack is stands in its record where a plan does not say it. */
export function asStack(parts: TurnParts, stack: StackIdentity, before: StackRecord | undefined): TurnParts {
  const { generatorId = before?.generatorId } = stack;
  return { ...parts, kubernetes: parts.doors.of({ id: stack.id, generatorId }) };
}
