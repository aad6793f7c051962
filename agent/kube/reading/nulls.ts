import { isMapping } from "$lib/json.ts";
import { isCustom } from "../apply/order.ts";
import { groupKindText, groupOf } from "../names.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Kinds with parts that are anybody's, where null is a value. */
const ANYBODYS: readonly string[] = ["ControllerRevision.apps", "CustomResourceDefinition.apiextensions.k8s.io"];
/** Maps with keys of anybody's: null there is an empty text, or nothing of something. */
const FREE: ReadonlySet<string> = new Set([
  ...["annotations", "labels", "matchLabels", "nodeSelector", "selector", "data", "binaryData", "stringData"],
  ...["parameters", "volumeAttributes", "options", "attributes", "deprecatedTopology"],
  ...["limits", "requests", "hard", "used", "capacity", "allocatable", "overhead", "podFixed"],
  ...["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"],
]);

/**
 * A manifest without fields that are null, as templates leave them where there is nothing to say: to Kubernetes they
 * are not there. Applied, they would be ours: an autoscaler's scale would be taken back, and what was filled in for
 * the object taken out. Of custom types, null may be a value.
 */
export function withoutNulls(object: Fields): Fields {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return object;
  const groupKind = { group: groupOf(apiVersion), kind };
  return isCustom(groupKind) || ANYBODYS.includes(groupKindText(groupKind)) ? object : withoutNullFields(object);
}

function withoutNullFields(fields: Fields): Fields {
  let changed: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) delete (changed ??= { ...fields })[name];
    else if (!FREE.has(name)) {
      const inner = inside(value);
      if (inner !== value) (changed ??= { ...fields })[name] = inner;
    }
  }
  return changed ?? fields;
}

function inside(value: unknown): unknown {
  if (!Array.isArray(value)) return isMapping(value) ? withoutNullFields(value) : value;
  const items = value.map(inside);
  return items.some((item, at) => item !== value[at]) ? items : value;
}
