import { isRefused, type KubernetesObject, type ObjectPlace } from "$lib/kubernetes.ts";
import { sameJson } from "../compare/pointers.ts";
import { errorText } from "../desired.ts";
import { groupKindOf, groupKindText } from "../names.ts";
import { isFailure } from "$lib/error.ts";

/**
 * The object without what only one object at a time can have, and the live one has: of the same manifest under another
 * name it would be refused for that alone. What somebody else has stays in it.
 */
export function withoutTaken(object: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const kind = groupKindText(groupKindOf(object));
  if (kind === "Service") return { ...object, spec: withoutPorts(object as Service, live as Service) };
  if (kind !== "PriorityClass.scheduling.k8s.io" || live.globalDefault !== true) return object;
  const { globalDefault: _, ...rest } = object;
  return rest as KubernetesObject;
}

interface Service extends KubernetesObject {
  readonly spec?: { readonly ports?: readonly { readonly nodePort?: number }[]; readonly [field: string]: unknown };
}

const ADDRESSES = ["clusterIP", "clusterIPs", "healthCheckNodePort"];

function withoutPorts({ spec = {} }: Service, { spec: live = {} }: Service): Service["spec"] {
  const isTaken = (field: string) => ADDRESSES.includes(field) && sameJson(spec[field], live[field]);
  const fields = Object.fromEntries(
    Object.entries(spec).filter(([field]) => live.clusterIP === "None" || !isTaken(field)),
  );
  const taken = new Set(live.ports?.map(({ nodePort }) => nodePort));
  if (!Array.isArray(spec.ports)) return fields;
  return {
    ...fields,
    ports: spec.ports.map((port) => {
      if (!taken.has(port?.nodePort)) return port;
      const { nodePort: _, ...rest } = port;
      return rest;
    }),
  };
}

/** The numbers are written as `count/jobs.batch=1,count/configmaps=1`. */
const QUOTA = /: exceeded quota: [^,]{1,253}, requested: ([^ ]{1,500}), used: ([^ ]{1,500}), limited: ([^ ]{1,500})$/;
/** Kinds of which a quota counts more than the objects: what of that the live object has, nobody knows here. */
const MEASURED = ["Pod", "Service", "PersistentVolumeClaim", "ResourceClaim"];

/**
 * Whether a new object is refused only because the live one fills the quota: a place that is free when that is gone.
 */
export function isOwnQuota(error: unknown, { resource }: Pick<ObjectPlace, "resource">): boolean {
  if (!isFailure(error, "kubernetes_rejected") || !isRefused(error, 403) || MEASURED.includes(resource.kind)) {
    return false;
  }
  const [requested, used, limited] = QUOTA.exec(errorText(error))?.slice(1).map(amountsOf) ?? [];
  if (requested === undefined || used === undefined || limited === undefined) return false;
  const { group } = groupKindOf(resource);
  const counts = [resource.resource, `count/${resource.resource}${group === "" ? "" : `.${group}`}`];
  const isFree = (name: string) => (used.get(name) ?? Infinity) <= (limited.get(name) ?? 0);
  return [...requested].every(([name, amount]) => counts.includes(name) && amount === 1 && isFree(name));
}

function amountsOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split(",").map((one) => {
      const [name = "", amount] = one.split("=");
      return [name, Number(amount)];
    }),
  );
}
