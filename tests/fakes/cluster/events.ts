import type { JsonObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";

/** What a field of `v1` Event is called in `events.k8s.io/v1`; the others have one name. */
const NAMES: readonly (readonly [core: string, newer: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

/** The event as the core group shows it. */
export function coreEvent(event: KubeObject): KubeObject {
  return renamed(event, "v1", new Map(NAMES.map(([core, newer]) => [newer, core])));
}

/** The event as `events.k8s.io` shows it: the same object, under other names. */
export function newEvent(event: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, eventTime = null, ...own } = renamed(event, "events.k8s.io/v1", new Map(NAMES));
  const filled = Object.entries(own).filter(([, value]) => value !== "" && value !== null);
  return { apiVersion, kind, metadata, ...Object.fromEntries(filled), eventTime };
}

function renamed(event: KubeObject, apiVersion: string, names: ReadonlyMap<string, string>): KubeObject {
  const { kind, metadata, apiVersion: _, ...own } = event;
  const fields: JsonObject = {};
  for (const [field, value] of Object.entries(own)) fields[names.get(field) ?? field] = value;
  return { apiVersion, kind, metadata, ...fields };
}
