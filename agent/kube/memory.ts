import { FIELD_MANAGER, type ManagedFields, type ObjectMeta } from "$lib/kubernetes.ts";
import type { Desired } from "./desired.ts";
import { MANIFEST_CHECKSUM } from "./names.ts";

/** What this process saw of objects right after it applied them, or found them as they should be. Lost with it. */
export interface AppliedMemory {
  /** The last sight of one object of a stack. */
  get(stackId: string, key: string): Sight | undefined;
  set(stackId: string, key: string, sight: Sight): void;
  /** Keeps, of a stack, only these objects. */
  retain(stackId: string, keys: ReadonlySet<string>): void;
}

/** Which object it was, and which state of it. */
export type Sight = Pick<ObjectMeta, "uid" | "resourceVersion" | "generation">;

/** A memory of nothing. */
export function createAppliedMemory(): AppliedMemory {
  const stacks = new Map<string, Map<string, Sight>>();
  return {
    get: (stackId, key) => stacks.get(stackId)?.get(key),
    set(stackId, key, { uid, resourceVersion, generation }) {
      const stack = stacks.get(stackId) ?? new Map<string, Sight>();
      stacks.set(stackId, stack.set(key, { uid, resourceVersion, generation }));
    },
    retain(stackId, keys) {
      const stack = stacks.get(stackId);
      for (const key of stack?.keys() ?? []) if (!keys.has(key)) stack?.delete(key);
      if (stack?.size === 0) stacks.delete(stackId);
    },
  };
}

/**
 * Whether an object is still as we left it: nobody has written to it since, or only what does not count as its
 * specification (its status, say) and no label or annotation of the manifest.
 */
export function isAsLeft(desired: Desired, meta: ObjectMeta, sight: Sight | undefined): boolean {
  if (sight === undefined || sight.uid !== meta.uid || !carriesChecksum(desired, meta)) return false;
  if (sight.resourceVersion === meta.resourceVersion) return true;
  const { labels, annotations } = desired.object.metadata;
  return meta.generation !== undefined && meta.generation === sight.generation &&
    holds(meta.labels, labels) && holds(meta.annotations, annotations);
}

/** Whether the object was last applied from this very manifest. */
export function carriesChecksum({ checksum }: Desired, { annotations }: ObjectMeta): boolean {
  return annotations?.[MANIFEST_CHECKSUM] === checksum;
}

/**
 * Whether a dry run changed none of our fields. Who takes a field from us takes it out of our entry, so an apply that
 * would take it back shows as another set of fields, and any other change of ours as another time.
 */
export function hasSameFields(before: ObjectMeta, after: ObjectMeta): boolean {
  const left = ourFields(before);
  const right = ourFields(after);
  return left !== undefined && right !== undefined && left.time === right.time &&
    JSON.stringify(left.fieldsV1) === JSON.stringify(right.fieldsV1);
}

/** What we applied of an object; undefined when we never did. */
export function ourFields({ managedFields }: ObjectMeta): ManagedFields | undefined {
  return managedFields?.find(({ manager, operation, subresource }) =>
    manager === FIELD_MANAGER && operation === "Apply" && subresource === undefined
  );
}

/** Whether somebody but us has set fields of the object itself, its status aside. */
export function isWrittenByOthers({ managedFields }: ObjectMeta): boolean {
  return managedFields?.some(({ manager, subresource }) => manager !== FIELD_MANAGER && !subresource) ?? false;
}

function holds(all: Readonly<Record<string, string>> = {}, some: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(some).every(([name, value]) => all[name] === value);
}
