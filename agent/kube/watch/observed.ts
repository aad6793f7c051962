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
      const objects = records.knownOf(stackId)?.objects ?? [];
      const found = await Promise.all(objects.filter(mayBeUnhealthy).map((one) => placed(discovery, one, signal)));
      return found.flatMap((one) => one ?? []);
    },
  };
}

/** Undefined for what is only named yet, and for a type that is not served. */
async function placed(
  discovery: Discovery,
  { group, kind, namespace, name, uid, policies }: RecordedObject,
  signal: AbortSignal,
): Promise<ObservedObject | undefined> {
  const resource = uid === undefined ? undefined : await discovery.findAnyVersion({ group, kind }, signal);
  if (uid === undefined || resource === undefined) return undefined;
  const place = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  const groupKind = { group, kind };
  return { key: objectKey(groupKind, place), groupKind, place, uid, mayVanish: policies?.apply !== undefined };
}
