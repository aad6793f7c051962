import { forbidden } from "./failure.ts";
import { at, isJsonObject, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { parseQuantity, showQuantity } from "./quantities.ts";
import type { Registry } from "./registry.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";

/** Names that count objects of a core kind without `count/`. */
const COUNTED = ["configmaps", "secrets", "services", "pods", "persistentvolumeclaims", "resourcequotas"];

const COMPUTED = ["requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "cpu", "memory"];

interface Place {
  readonly store: Store;
  readonly registry: Registry;
}

/** Refuses a new object that a quota of its namespace does not leave room for, or whose quota is not counted yet. */
export function checkQuotas({ store, registry }: Place, type: ResourceType, object: KubeObject): void {
  const { namespace, name } = object.metadata;
  if (namespace === undefined) return;
  for (const quota of store.list(registry.builtIn("resourcequotas"), namespace)) {
    const spec = objectOr(at(quota, "spec", "hard"));
    const asked = Object.entries(usageOf(type, object)).filter(([resource]) => spec[resource] !== undefined);
    const refuse = (why: string) => forbidden(type, name, why);
    const status = objectOr(at(quota, "status", "hard"));
    const unknown = asked.map(([resource]) => resource).filter((resource) => status[resource] === undefined);
    if (unknown.length > 0) {
      throw refuse(`status unknown for quota: ${quota.metadata.name}, resources: ${unknown.join(",")}`);
    }
    const missing = asked.filter(([, amount]) => amount === undefined).map(([resource]) => resource);
    if (missing.length > 0) throw refuse(`failed quota: ${quota.metadata.name}: ${mustSpecify(missing, object)}`);
    const used = usedIn(store, namespace, asked.map(([resource]) => resource));
    const over = asked.filter(([resource, amount = 0]) =>
      (used.get(resource) ?? 0) + amount > parseQuantity(status[resource])
    );
    if (over.length === 0) continue;
    const show = (amounts: (resource: string, amount: number) => unknown) =>
      over.map(([resource, amount = 0]) => `${resource}=${amounts(resource, amount)}`).join(",");
    throw refuse(
      `exceeded quota: ${quota.metadata.name}, requested: ${
        show((resource, amount) => showQuantity(resource, amount))
      }, ` +
        `used: ${show((resource) => showQuantity(resource, used.get(resource) ?? 0))}, ` +
        `limited: ${show((resource) => status[resource])}`,
    );
  }
}

/** What the objects of a namespace use of each resource, as a quota's status shows it. */
export function usedStatus(store: Store, namespace: string, resources: readonly string[]): JsonObject {
  const used = usedIn(store, namespace, resources);
  return Object.fromEntries(resources.map((resource) => [resource, showQuantity(resource, used.get(resource) ?? 0)]));
}

function usedIn(store: Store, namespace: string, resources: readonly string[]): Map<string, number> {
  const used = new Map<string, number>();
  for (const { type, object } of store.typed()) {
    if (object.metadata.namespace !== namespace) continue;
    for (const [resource, amount] of Object.entries(usageOf(type, object))) {
      if (resources.includes(resource)) used.set(resource, (used.get(resource) ?? 0) + (amount ?? 0));
    }
  }
  return used;
}

/** What one object uses; `undefined` for what a pod must say and does not. */
function usageOf(type: ResourceType, object: KubeObject): Record<string, number | undefined> {
  const counted: Record<string, number | undefined> = {
    [type.group === "" ? `count/${type.plural}` : `count/${type.plural}.${type.group}`]: 1,
  };
  if (type.group === "" && COUNTED.includes(type.plural)) counted[type.plural] = 1;
  if (type.kind !== "Pod") return counted;
  for (const resource of COMPUTED) counted[resource] = podUsage(object, resource);
  return counted;
}

function podUsage(pod: KubeObject, resource: string): number | undefined {
  const [kind = "", unit = ""] = resource.includes(".") ? resource.split(".") : ["requests", resource];
  const amounts = listOr(at(pod, "spec", "containers")).map((container) => at(container, "resources", kind, unit));
  if (amounts.some((amount) => amount === undefined)) return undefined;
  return amounts.reduce((sum: number, amount) => sum + parseQuantity(amount), 0);
}

function mustSpecify(resources: readonly string[], pod: KubeObject): string {
  const containers = listOr(at(pod, "spec", "containers")).filter(isJsonObject).map(({ name }) => name).join(",");
  return resources.map((resource) => `must specify ${resource} for: ${containers}`).join("; ");
}
