import { isRefused, type Kubernetes, type ObjectMeta } from "$lib/kubernetes.ts";
import { allEnded } from "../all_ended.ts";
import { DEFINITIONS } from "../discovery.ts";
import { groupKindText, groupOf } from "../names.ts";
import type { Write } from "./judge.ts";
import type { Judged } from "./judge_all.ts";
import { isCustom } from "./order.ts";

/** So a refusal speaks of what only one object can have: a port of nodes, an address, a default, a host's name. */
const TAKEN = /\balready\b/;

/**
 * The changes, of objects that are there, that may bring what other objects of this bundle are refused for the want of:
 * one of the same kind may free what only one can have, and what a custom type's definition belongs to may define it
 * anew. None where anything is refused that no change can help.
 */
export async function giversAmong(
  kubernetes: Pick<Kubernetes, "get">,
  judged: readonly Judged[],
  signal: AbortSignal,
): Promise<readonly Write[]> {
  const writes = judged.flatMap(({ verdict }) => verdict.is === "write" && verdict.write.before ? [verdict.write] : []);
  if (writes.length === 0) return [];
  const found = await allEnded(judged.filter(isRefusal), async (refused) => {
    const givers = givingTo(refused, writes);
    return givers.length > 0 ? givers : definersOf(writes, await ownersOfType(kubernetes, refused, signal));
  });
  return found.every((givers) => givers.length > 0) ? [...new Set(found.flat())] : [];
}

/** Whether an object was refused. */
export function isRefusal({ verdict }: Judged): boolean {
  return verdict.is === "refused";
}

function givingTo({ one, verdict }: Judged, writes: readonly Write[]): readonly Write[] {
  if (verdict.is !== "refused" || !TAKEN.test(verdict.why)) return [];
  const kind = groupKindText(one.groupKind);
  return writes.filter(({ desired: { groupKind } }) => groupKindText(groupKind) === kind);
}

type Owners = ObjectMeta["ownerReferences"];

/** Whom the definition of an object's type belongs to, where that is a custom one, and can be seen. */
async function ownersOfType(
  kubernetes: Pick<Kubernetes, "get">,
  { one: { groupKind, place: { resource } } }: Judged,
  signal: AbortSignal,
): Promise<Owners> {
  if (!isCustom(groupKind)) return [];
  const name = `${resource.resource}.${groupOf(resource.apiVersion)}`;
  try {
    return (await kubernetes.get({ resource: DEFINITIONS, name }, signal))?.metadata.ownerReferences;
  } catch (error) {
    if (!isRefused(error, 403)) throw error;
    return [];
  }
}

function definersOf(writes: readonly Write[], owners: Owners = []): readonly Write[] {
  const uids = new Set(owners.map(({ uid }) => uid));
  return writes.filter(({ before }) => before?.metadata.uid !== undefined && uids.has(before.metadata.uid));
}
