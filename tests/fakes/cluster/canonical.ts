import { isJsonObject, type Json, type JsonObject, objectOr } from "./json.ts";
import { canonicalQuantity } from "./quantities.ts";

/** Maps of free keys: the server's types leave them out when they are empty, unlike structs. */
const FREE_MAPS = new Set([
  ...["labels", "annotations", "matchLabels", "nodeSelector", "limits", "requests", "data", "binaryData", "parameters"],
  ...["hard", "capacity"],
]);

/** Lists that the server's types write even when they are empty. */
const KEPT_LISTS = new Set(["rules", "subjects", "managedFields", "containers"]);

/** Maps of quantities. */
const QUANTITIES = new Set(["limits", "requests", "hard", "capacity"]);

/** What objects are made of: its metadata is written even when nothing is in it, and without a time that is null. */
const TEMPLATES = new Set(["template", "jobTemplate", "volumeClaimTemplate", "volumeClaimTemplates"]);

/** The object as the server's own types write it: no empty lists or maps of free keys, quantities in one way. */
export function canonical<T extends JsonObject>(object: T): T {
  const kept: JsonObject = {};
  for (const [field, value] of Object.entries(object)) {
    if (value === undefined || isOmitted(field, value)) continue;
    if (QUANTITIES.has(field) && isJsonObject(value)) kept[field] = withQuantities(value);
    else if (TEMPLATES.has(field)) {
      kept[field] = inside(Array.isArray(value) ? value.map(withMetadata) : withMetadata(value));
    } else kept[field] = field === "managedFields" || field === "versions" ? value : inside(value);
  }
  return kept as T;
}

function inside(value: Json): Json {
  if (Array.isArray(value)) return value.map(inside);
  return isJsonObject(value) ? canonical(value) : value;
}

function withMetadata(template: Json): Json {
  if (!isJsonObject(template)) return template;
  const { creationTimestamp, ...metadata } = objectOr(template.metadata);
  return { ...template, metadata: creationTimestamp ? { ...metadata, creationTimestamp } : metadata };
}

function withQuantities(amounts: JsonObject): JsonObject {
  const shown = Object.entries(amounts).map(([resource, amount]) => [resource, canonicalQuantity(amount ?? null)]);
  return Object.fromEntries(shown);
}

function isOmitted(field: string, value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0 && !KEPT_LISTS.has(field);
  return FREE_MAPS.has(field) && isJsonObject(value) && Object.keys(value).length === 0;
}
