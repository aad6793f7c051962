import type { Kubernetes } from "$lib/kubernetes.ts";

/** What a killed process throws is no failure that anybody handles. */
export class Killed extends Error {}

/**
 * The door, until so many writes are done; nothing goes through it after that.
 *
 * @param options.isServed Whether the last write took effect: the process dies before it hears so.
 */
export function mortal(
  kubernetes: Kubernetes,
  { writes, isServed }: { writes: number; isServed: boolean },
): Kubernetes {
  let left = writes;
  async function once<T>(write: () => Promise<T>): Promise<T> {
    if (left <= 0) throw new Killed("killed");
    left -= 1;
    if (left > 0) return await write();
    if (isServed) await write();
    throw new Killed("killed");
  }
  const dying = (door: Kubernetes): Kubernetes => ({
    ...door,
    apply: (place, object, options) =>
      options?.dryRun === true && left > 0
        ? door.apply(place, object, options)
        : once(() => door.apply(place, object, options)),
    patch: (place, body, options) => once(() => door.patch(place, body, options)),
    create: (resource, object, options) => once(() => door.create(resource, object, options)),
    delete: (place, preconditions, signal) => once(() => door.delete(place, preconditions, signal)),
    forStack: (...who) => dying(door.forStack(...who)),
  });
  return dying(kubernetes);
}
