import { type Desired, objectName } from "../desired.ts";
import { groupKindText } from "../names.ts";
import { objectText } from "../outcome.ts";

/** What of the cluster is the agent's own. */
export interface OwnPlaces {
  /** Where root and parents live. */
  readonly inventoryNamespace: string;
  /** Keys of the objects that the running agent's own Pod is made of, of those that a bundle brings. */
  readonly ownPod: ReadonlySet<string>;
}

const KINDS: readonly string[] = ["ConfigMap", "Secret", "Lease.coordination.k8s.io"];
const PREFIX = "brokkr-";

/**
 * Faults of objects that no bundle may bring, whoever they belong to: the agent's records, by which it decides what may
 * be deleted and which broker it believes, and what it runs on.
 */
export function reservedFaults(desired: readonly Desired[], own: OwnPlaces): readonly string[] {
  return desired.filter((one) => isRecord(one, own) || own.ownPod.has(one.key))
    .map(({ source, place }) => `${source}: ${objectText(objectName(place))} is the agent's own`);
}

function isRecord({ place, groupKind }: Desired, { inventoryNamespace }: OwnPlaces): boolean {
  return place.namespace === inventoryNamespace && place.name.startsWith(PREFIX) &&
    KINDS.includes(groupKindText(groupKind));
}
