import { at, isJsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";

const CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/** The resources that a CustomResourceDefinition defines: one for each version, the served ones first, newest first. */
export function customTypes(crd: KubeObject): readonly ResourceType[] {
  const versions = listOr(at(crd, "spec", "versions")).map(objectOr);
  const types = versions.map((version): ResourceType => {
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
      isServed: version.served === true,
      isStorage: version.storage === true,
    };
  });
  return types.sort((a, b) => Number(b.isServed) - Number(a.isServed) || compareVersions(b.version, a.version));
}

/** `v10` before `v2` before `v1` before `v1beta2` before `v1alpha1`, as discovery lists versions. */
function compareVersions(a: string, b: string): number {
  const [one, other] = [rankOf(a), rankOf(b)];
  const differing = one.findIndex((part, index) => part !== other[index]);
  return differing < 0 ? 0 : (one[differing] ?? 0) - (other[differing] ?? 0);
}

const STAGES: Record<string, number> = { alpha: 0, beta: 1 };

function rankOf(version: string): number[] {
  const [, major = "0", stage = "", minor = "0"] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  return [STAGES[stage] ?? 2, Number(major), Number(minor)];
}
