import type { KubernetesObject, ManagedFields } from "$lib/kubernetes.ts";
import { type Folding, foldPlan } from "../compare/folding.ts";
import { withDependents, withLeftovers } from "../compare/leftovers.ts";
import { releasedFields } from "../compare/omitted.ts";
import type { JudgeParts, Write } from "./judge.ts";
import { isCustom } from "./order.ts";

/** What an object's managed fields must be; undefined where they may stay. */
export type HandOver = (live: KubernetesObject) => readonly ManagedFields[] | undefined;

/**
 * Who owns what must be otherwise before the apply: former managers' fields become ours, those left to others are not.
 */
export function handOverOf(
  parts: Pick<JudgeParts, "formerManagers">,
  write: Write,
  known: Pick<Folding, "after" | "manifest">,
): HandOver {
  const { left, desired: { object } } = write;
  return (live) => {
    const folded = foldPlan(foldingOf(parts, write, { live, ...known }));
    const ours = withDependents(handed(live, folded), known, parts.formerManagers) ?? folded;
    return left.length === 0 ? ours : releasedFields(handed(live, ours), left, object) ?? ours;
  };
}

/** The object with these managed fields, where they are to be others. */
function handed(live: KubernetesObject, managedFields = live.metadata.managedFields): KubernetesObject {
  return { ...live, metadata: { ...live.metadata, managedFields } };
}

/**
 * Beside what is handed over anyway, what was filled in of fields that the manifest has others for; not of types that
 * nobody knows.
 */
export function clearingOf(parts: Pick<JudgeParts, "formerManagers">, write: Write): HandOver {
  const { object, desired: { groupKind } } = write;
  const handOver = handOverOf(parts, write, { manifest: object });
  if (isCustom(groupKind)) return () => undefined;
  return (live) => withLeftovers(handed(live, handOver(live)), object, parts.formerManagers);
}

/** What folding an object into our hands decides by, for this write. */
export function foldingOf(
  { formerManagers }: Pick<JudgeParts, "formerManagers">,
  { isAdopted, left, desired: { object } }: Write,
  known: Pick<Folding, "live" | "after" | "manifest">,
): Folding {
  return { ...known, isMade: !isAdopted, formerManagers, left: { pointers: left, manifest: object } };
}
