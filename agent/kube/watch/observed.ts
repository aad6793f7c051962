import type { Kubernetes } from "$lib/kubernetes.ts";
import type { RecordedObject } from "../../plan/record.ts";
import type { Discovery } from "../discovery.ts";
import { needsFold } from "../compare/folding.ts";
import { mayBeUnhealthy } from "../health/health.ts";
import { type GroupKind, objectKey } from "../names.ts";
import type { Observed, ObservedObject } from "../reconcile.ts";
import type { Records } from "../records/records.ts";
import type { StackDoors } from "../stack_doors.ts";
import { createSweep } from "./sweep.ts";

/** What looking at what was applied needs. */
export interface ObservedParts {
  readonly kubernetes: Kubernetes;
  readonly doors: StackDoors;
  readonly discovery: Discovery;
  readonly records: Records;
  readonly formerManagers: readonly string[];
}

/** What of the cluster sweeps, watches and looks at health see, and what the records say of it. */
export function createObserved(parts: ObservedParts): Observed {
  const { kubernetes, doors, discovery, records, formerManagers } = parts;
  const namespacesOf = (groupKind: GroupKind) => records.namespacesOf(groupKind);
  const sweep = createSweep({
    kubernetes,
    discovery,
    namespacesOf,
    hasFoldable: (metadata) => needsFold(metadata, formerManagers),
  });
  return {
    kubernetes,
    doorOf: (id) => doors.of(records.knownOf(id) ?? { id }),
    discovery,
    namespacesOf,
    beginSweep: (signal) => sweep.begin(signal),
    compared: (key) => records.compared(key),
    kinds: () => records.kinds(),
    async appliedObjects(stackId, signal) {
      const objects = records.knownOf(stackId)?.objects.filter(isThere) ?? [];
      const looked = objects.filter(mayBeUnhealthy);
      const found = await Promise.all(looked.map((one) => placed(discovery, one, signal)));
      return { objects: found.flatMap((one) => one ?? []), alwaysHealthy: objects.length - looked.length };
    },
  };
}

/** A recorded object that is in the cluster, and not only named yet. */
type ThereObject = RecordedObject & { readonly uid: string };

function isThere(object: RecordedObject): object is ThereObject {
  return object.uid !== undefined;
}

/** Undefined for a type that is not served. */
async function placed(
  discovery: Discovery,
  { group, kind, namespace, name, uid, policies }: ThereObject,
  signal: AbortSignal,
): Promise<ObservedObject | undefined> {
  const resource = await discovery.findAnyVersion({ group, kind }, signal);
  if (resource === undefined) return undefined;
  const place = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  const groupKind = { group, kind };
  return { key: objectKey(groupKind, place), groupKind, place, uid, mayVanish: policies?.apply !== undefined };
}
