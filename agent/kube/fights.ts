import type { Clock } from "$lib/clock.ts";
import type { KubernetesObject, ManagedFields } from "$lib/kubernetes.ts";
import type { Policies } from "$lib/policies.ts";
import type { YieldedField } from "../plan/record.ts";
import type { DifferingField } from "./differences.ts";
import { type Field, fieldOf, fieldSetOf, isOwnEntry, ownEntry, owns } from "./field_sets.ts";
import { isPersonOrFormer } from "./folding.ts";

/** So many times within an hour a field is taken back from the same manager; then it is left to it. */
export const TAKEN_BACK_MAX = 3;
const WITHIN_MS = 60 * 60 * 1_000;

/**
 * Which fields other managers keep taking back. Kept in memory alone: a process that starts anew begins to count anew, and
 * hears from the record what was yielded already.
 */
export class Fights {
  readonly #clock: Clock;
  readonly #objects = new Map<string, Contested>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts that a field of an object, whose manifest has this checksum, was taken back from a manager.
   *
   * @returns The field, when this was the last time for that: from now on it is among {@linkcode yielded}.
   */
  takenBack(key: string, { path, manager }: YieldedField, checksum: string): YieldedField | undefined {
    const nowMs = this.#clock.monotonic();
    const { times, yielded } = this.#of(key, checksum);
    const fight = JSON.stringify([path, manager]);
    const recent = [...(times.get(fight) ?? []).filter((ms) => nowMs - ms < WITHIN_MS), nowMs];
    times.set(fight, recent);
    if (recent.length < TAKEN_BACK_MAX) return undefined;
    times.delete(fight);
    const field = { path, manager };
    yielded.push(field);
    return field;
  }

  /** The fields of an object that are left to others, as long as its manifest has this checksum. */
  yielded(key: string, checksum: string): readonly YieldedField[] {
    const contested = this.#objects.get(key);
    return contested?.checksum === checksum ? contested.yielded : [];
  }

  /** What the record says was yielded, for this checksum, by a process before this one. */
  recall(key: string, fields: readonly YieldedField[], checksum: string): void {
    const { yielded } = this.#of(key, checksum);
    yielded.push(...fields.filter(({ path }) => yielded.every((known) => known.path !== path)));
  }

  /** Forgets an object that is ours no more, or that yields nothing any more (`brokkr.io/force: always`). */
  forget(key: string): void {
    this.#objects.delete(key);
  }

  #of(key: string, checksum: string): Contested {
    const known = this.#objects.get(key);
    if (known?.checksum === checksum) return known;
    const begun = { checksum, times: new Map<string, readonly number[]>(), yielded: [] };
    this.#objects.set(key, begun);
    return begun;
  }
}

interface Contested {
  readonly checksum: string;
  /** When a field was taken back from a manager, by both; monotonic milliseconds. */
  readonly times: Map<string, readonly number[]>;
  readonly yielded: YieldedField[];
}

/** Who is never fought with, and what the manifest says of it. */
export interface FightRules {
  /** `agent.former_managers`. */
  readonly formerManagers: readonly string[];
  readonly force?: Policies["force"];
}

/**
 * Of the fields that an apply would change, those that another program set, each with its manager: what `takenBack` is to
 * count when they are written. People's edits and former tools' are put right however often, and with
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
