import { coreEvent, newEvent } from "./events.ts";
import type { KubeObject } from "./objects.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";
import { withSchemaDefaults } from "./schema.ts";

/**
 * The object as this version of its type shows it. A custom resource changes its `apiVersion`, and loses the fields
 * that the version does not know.
 */
export function shownAs(type: ResourceType, object: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(type);
  if (type.schema !== undefined) return withSchemaDefaults(type.schema, { ...object, apiVersion });
  if (object.apiVersion === apiVersion) return object;
  if (type.kind === "Event") return apiVersion === "v1" ? coreEvent(object) : newEvent(object);
  return { ...object, apiVersion };
}
