import type { ResourceType } from "../resources.ts";
import { FieldSet } from "./field_set.ts";

/** Fields that nobody owns. */
export const UNOWNED = FieldSet.read({
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": {
    ".": {},
    "f:name": {},
    "f:namespace": {},
    "f:creationTimestamp": {},
    "f:selfLink": {},
    "f:uid": {},
    "f:generation": {},
    "f:managedFields": {},
    "f:resourceVersion": {},
  },
});

/** Fields that a path does not write, whatever its body says, and so gives to nobody. */
export function resetFields(type: ResourceType, subresource: string | undefined): FieldSet {
  if (subresource === undefined || subresource === "scale") {
    return type.subresources.includes("status") ? FieldSet.read({ "f:status": {} }) : new FieldSet();
  }
  if (type.schema !== undefined) return FieldSet.read({ "f:metadata": {}, "f:spec": {} });
  if (type.group === "apps") return FieldSet.read({ "f:spec": {}, "f:metadata": { "f:labels": {} } });
  if (type.kind === "Pod") return FieldSet.read({ "f:spec": {}, "f:metadata": { "f:ownerReferences": {} } });
  return FieldSet.read({ "f:spec": {} });
}
