import { isMapping } from "$lib/json.ts";
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
 * one of the same kind may free what only one can have, by giving up a value that a refused one is to have, and what a
 * custom type's definition belongs to may define it anew. None where anything is refused that no change can help.
 */
export async function giversAmong(
  kubernetes: Pick<Kubernetes, "get">,
  judged: readonly Judged[],
  signal: AbortSignal,
): Promise<readonly Write[]> {
  const writes = judged.flatMap(({ verdict }) => verdict.is === "write" && verdict.write.before ? [verdict.write] : []);
  if (writes.length === 0) return [];
  const [given, owners] = [new Map<Write, ReadonlySet<string>>(), new Map<string, Promise<Owners>>()];
  const found = await allEnded(judged.filter(isRefusal), async (refused) => {
    const alike = wantsWhatIsTaken(refused) ? ofKind(refused, writes) : [];
    if (alike.length > 0) {
      const wanted = valuesOf(refused.one.object);
      const gives = (write: Write) => !given.getOrInsertComputed(write, valuesGivenUp).isDisjointFrom(wanted);
      return { isHelped: true, givers: alike.filter(gives) };
    }
    const type = definitionName(refused);
    const ownersOfType = type === undefined
      ? []
      : await owners.getOrInsertComputed(type, (name) => ownersOf(kubernetes, name, signal));
    const givers = definersAmong(writes, ownersOfType);
    return { isHelped: givers.length > 0, givers };
  });
  // What one frees may be wanted by one that frees, in its turn, what a third wants.
  return found.every(({ isHelped }) => isHelped) ? [...new Set(found.flatMap(({ givers }) => givers))] : [];
}

/** Whether an object was refused. */
export function isRefusal({ verdict }: Judged): boolean {
  return verdict.is === "refused";
}

function wantsWhatIsTaken({ verdict }: Judged): boolean {
  return verdict.is === "refused" && TAKEN.test(verdict.why);
}

function ofKind({ one }: Judged, writes: readonly Write[]): readonly Write[] {
  const kind = groupKindText(one.groupKind);
  return writes.filter(({ desired: { groupKind } }) => groupKindText(groupKind) === kind);
}

/** The values that the object has, and is to have no more. */
function valuesGivenUp({ before, object }: Write): ReadonlySet<string> {
  return valuesOf(before).difference(valuesOf(object));
}

/** Every value that is no map and no list, with the name of its field. */
function valuesOf(value: unknown, field = "", found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) value.forEach((item) => valuesOf(item, field, found));
  else if (isMapping(value)) Object.entries(value).forEach(([key, item]) => valuesOf(item, key, found));
  else found.add(JSON.stringify([field, value]));
  return found;
}

type Owners = ObjectMeta["ownerReferences"];

/** What the definition of an object's type is called, where that is a custom one. */
function definitionName({ one: { groupKind, place: { resource } } }: Judged): string | undefined {
  return isCustom(groupKind) ? `${resource.resource}.${groupOf(resource.apiVersion)}` : undefined;
}

/** Whom a definition belongs to, where it can be seen. */
async function ownersOf(kubernetes: Pick<Kubernetes, "get">, name: string, signal: AbortSignal): Promise<Owners> {
  try {
    return (await kubernetes.get({ resource: DEFINITIONS, name }, signal))?.metadata.ownerReferences;
  } catch (error) {
    if (!isRefused(error, 403)) throw error;
    return [];
  }
}

function definersAmong(writes: readonly Write[], owners: Owners = []): readonly Write[] {
  const uids = new Set(owners.map(({ uid }) => uid));
  return writes.filter(({ before }) => before?.metadata.uid !== undefined && uids.has(before.metadata.uid));
}
