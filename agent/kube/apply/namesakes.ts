import type { Desired } from "../desired.ts";
import { isCustom } from "./order.ts";

/**
 * The objects of a bundle that may be an earlier one of it under a second name, and that one: an API server has some
 * objects under two groups, as it has Events. Only the uid tells, once the earlier one is there; of types that are not
 * Kubernetes' own, only those are named here that had one uid before.
 *
 * @param uidOf The uid of an object, by its key, as far as it is known.
 */
export function namesakesIn(
  desired: readonly Desired[],
  uidOf: (key: string) => string | undefined,
): ReadonlyMap<string, Desired> {
  const mayBeOne = (one: Desired, other: Desired) => {
    if (!isCustom(one.groupKind) && !isCustom(other.groupKind)) return true;
    const uid = uidOf(one.key);
    return uid !== undefined && uid === uidOf(other.key);
  };
  const alike = Map.groupBy(desired, ({ groupKind: { kind }, place: { namespace, name } }) => {
    return JSON.stringify([kind, namespace, name]);
  });
  return new Map([...alike.values()].flatMap((these) =>
    these.flatMap((one, at): [string, Desired][] => {
      const earlier = these.slice(0, at).find((other) => mayBeOne(one, other));
      return earlier === undefined ? [] : [[one.key, earlier]];
    })
  ));
}
