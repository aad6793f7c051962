import type { Clock } from "$lib/clock.ts";
import type { KubernetesObject, ManagedFields } from "$lib/kubernetes.ts";
import type { Policies } from "$lib/policies.ts";
import type { YieldedField } from "../../plan/record.ts";
import type { DifferingField } from "./differences.ts";
import { type Field, fieldOf, fieldSetOf, isOwnEntry, ownEntry, owns } from "./field_sets.ts";
import { isPersonOrFormer } from "./folding.ts";

/** At so many times within an hour that a field would be taken back from the same manager, it is left to it. */
export const TAKEN_BACK_MAX = 3;
const WITHIN_MS = 60 * 60 * 1_000;

/**
 * How often fields were taken back from other managers within the last hour. Kept in memory alone: a process that
 * starts anew begins to count anew. What was left to others stands in the record.
 */
export class Fights {
  readonly #clock: Clock;
  /** In the order in which they were taken back last, so that what is an hour ago comes first. */
  readonly #objects = new Map<string, Contested>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts that a field of an object, whose manifest has this checksum, was taken back from a manager. */
  takenBack(key: string, field: YieldedField, checksum: string): void {
    const lastMs = this.#clock.monotonic();
    const times = this.#timesOf(key, checksum) ?? new Map<string, readonly number[]>();
    times.set(fightOf(field), [...this.#recent(times, field), lastMs]);
    this.#objects.delete(key);
    this.#objects.set(key, { checksum, times, lastMs });
  }

  /**
   * Whether to take a field back now would be the last of {@linkcode TAKEN_BACK_MAX} times: then it is left to its
   * manager.
   */
  isLost(key: string, field: YieldedField, checksum: string): boolean {
    const times = this.#timesOf(key, checksum);
    return times !== undefined && this.#recent(times, field).length + 1 >= TAKEN_BACK_MAX;
  }

  #timesOf(key: string, checksum: string): Contested["times"] | undefined {
    this.#forgetOld();
    const known = this.#objects.get(key);
    return known?.checksum === checksum ? known.times : undefined;
  }

  #recent(times: Contested["times"], field: YieldedField): readonly number[] {
    const sinceMs = this.#clock.monotonic() - WITHIN_MS;
    return (times.get(fightOf(field)) ?? []).filter((ms) => ms > sinceMs);
  }

  #forgetOld(): void {
    const sinceMs = this.#clock.monotonic() - WITHIN_MS;
    for (const [key, { lastMs }] of this.#objects) {
      if (lastMs > sinceMs) return;
      this.#objects.delete(key);
    }
  }
}

interface Contested {
  readonly checksum: string;
  /** When a field was taken back from a manager, by both; monotonic milliseconds. */
  readonly times: Map<string, readonly number[]>;
  readonly lastMs: number;
}

function fightOf({ path, manager }: YieldedField): string {
  return JSON.stringify([path, manager]);
}

/** Who is never fought with, and what the manifest says of it. */
export interface FightRules {
  /** `agent.former_managers`. */
  readonly formerManagers: readonly string[];
  readonly force?: Policies["force"];
}

/**
 * Of the fields that an apply would change, those that another program set, each with its manager: what `takenBack` is
 * to count once they are written. People's edits and former tools' are put right however often, and with
 * `brokkr.io/force: always` everything is.
 */
export function contested(
  live: KubernetesObject,
  fields: readonly DifferingField[],
  { formerManagers, force }: FightRules,
): readonly YieldedField[] {
  if (force === "always") return [];
  return fields.flatMap(({ pointer }) => {
    const manager = managerOf(live, pointer);
    return manager === undefined || isPersonOrFormer(manager, formerManagers) ? [] : [{ path: pointer, manager }];
  });
}

/**
 * Who set a field last, ourselves aside. A field that somebody removed is in nobody's entry: then it was who wrote the
 * object last, if that was after us. Undefined when that can't be told.
 */
export function managerOf(live: KubernetesObject, pointer: string): string | undefined {
  const others = (live.metadata.managedFields ?? []).filter((entry) => !isOwnEntry(entry));
  const field = fieldOf(pointer, live);
  const owner = newest(others.filter((entry) => isOwner(entry, field)));
  return (owner ?? newest(others.filter((entry) => isSince(entry, ownEntry(live.metadata)))))?.manager;
}

function isOwner({ fieldsV1 }: ManagedFields, field: Field): boolean {
  return owns(fieldSetOf(fieldsV1), field);
}

/** A status says nothing of who changed the rest. Times have whole seconds. */
function isSince({ time = "", subresource }: ManagedFields, own: ManagedFields | undefined): boolean {
  return subresource !== "status" && time >= (own?.time ?? "");
}

function newest(entries: readonly ManagedFields[]): ManagedFields | undefined {
  return entries.toSorted((left, right) => (left.time ?? "").localeCompare(right.time ?? "")).at(-1);
}
