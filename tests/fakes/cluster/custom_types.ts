import { at, isJsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";

const CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/** The resources that a CustomResourceDefinition defines: one for each version that is served. */
export function customTypes(crd: KubeObject): readonly ResourceType[] {
  const versions = listOr(at(crd, "spec", "versions")).map(objectOr);
  return versions.filter((version) => version.served === true).map((version) => {
    const names = objectOr(at(crd, "spec", "names"));
    const kind = String(names.kind);
    return {
      group: String(at(crd, "spec", "group")),
      version: String(version.name),
      kind,
      plural: String(names.plural),
      singular: String(names.singular ?? kind.toLowerCase()),
      isNamespaced: at(crd, "spec", "scope") === "Namespaced",
      shortNames: listOr(names.shortNames).map(String),
      verbs: CUSTOM_VERBS,
      subresources: isJsonObject(at(version, "subresources", "status")) ? ["status"] : [],
      hasGeneration: true,
      schema: objectOr(at(version, "schema", "openAPIV3Schema")),
    };
  });
}
