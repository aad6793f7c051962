import { type Json, listOr, objectOr } from "../json.ts";
import { timestamp } from "../objects.ts";

/** One condition that a controller wants to be in a status. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** The conditions of a status with the wanted ones in it; the time of one moves only when its status does. */
export function withConditions(present: Json | undefined, wanted: readonly Condition[]): Json[] {
  const before = listOr(present).map(objectOr);
  const others = before.filter((old) => !wanted.some((condition) => condition.type === old.type));
  const renewed = wanted.map((condition) => {
    const old = before.find((one) => one.type === condition.type && one.status === condition.status);
    return { lastTransitionTime: old?.lastTransitionTime ?? timestamp(), ...condition };
  });
  return [...others, ...renewed];
}
