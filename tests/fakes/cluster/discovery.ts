import type { JsonObject } from "./json.ts";
import type { GroupVersion, Registry } from "./registry.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";

/** What `/version` of the simulated cluster says. */
export const VERSION: JsonObject = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.3+simulated",
  gitCommit: "0000000000000000000000000000000000000000",
  gitTreeState: "clean",
  buildDate: "2026-01-01T00:00:00Z",
  goVersion: "none",
  compiler: "none",
  platform: "linux/amd64",
};

/** `/api`: the versions of the core group. */
export function coreVersions(host: string): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: host }],
  };
}

/** `/apis`: every group but the core one. */
export function groupList(registry: Registry): JsonObject {
  const names = new Set(served(registry).map(({ group }) => group).filter((group) => group !== ""));
  const groups = [...names].map((name) => describeGroup(registry, name) ?? null);
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

/** `/apis/<group>`, or `undefined` when there is no such group. */
export function group(registry: Registry, name: string): JsonObject | undefined {
  const described = describeGroup(registry, name);
  return described === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...described };
}

/** `/api/v1` and `/apis/<group>/<version>`, or `undefined` when there is no such version. */
export function resourceList(registry: Registry, groupName: string, version: string): JsonObject | undefined {
  const types = registry.all().filter((type) => type.group === groupName && type.version === version);
  if (types.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    ...(groupName === "" ? {} : { apiVersion: "v1" }),
    groupVersion: apiVersionOf({ group: groupName, version }),
    resources: types.flatMap(describeResource),
  };
}

function describeGroup(registry: Registry, name: string): JsonObject | undefined {
  if (name === "") return undefined;
  const versions = new Set(served(registry).filter(({ group }) => group === name).map(({ version }) => version));
  const described = [...versions].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  const [preferredVersion] = described;
  return preferredVersion === undefined ? undefined : { name, versions: described, preferredVersion };
}

/** What has a path, here or on another server. */
function served(registry: Registry): readonly GroupVersion[] {
  return [...registry.all(), ...registry.aggregated];
}

function describeResource(type: ResourceType): JsonObject[] {
  const { plural, singular, kind, isNamespaced } = type;
  const main: JsonObject = { name: plural, singularName: singular, namespaced: isNamespaced, kind };
  main.verbs = [...type.verbs];
  if (type.shortNames.length > 0) main.shortNames = [...type.shortNames];
  const verbs = ["get", "patch", "update"];
  const subresources = type.subresources.map((sub): JsonObject => {
    const scale = sub === "scale" ? { group: "autoscaling", version: "v1" } : {};
    const name = `${plural}/${sub}`;
    return {
      name,
      singularName: "",
      namespaced: isNamespaced,
      ...scale,
      kind: sub === "scale" ? "Scale" : kind,
      verbs,
    };
  });
  return [main, ...subresources];
}
