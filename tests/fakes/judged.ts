import type { Snapshot } from "$lib/wire/snapshot.ts";
import {
  type CountedStack,
  type Evidence,
  type HeldStack,
  judge,
  type RootRecord,
  type Verdict,
} from "../../agent/plan/guard.ts";

/** The epoch that the agent knows. */
export const EPOCH = "11111111-1111-4111-8111-111111111111";
/** Another broker's epoch. */
export const OTHER = "22222222-2222-4222-8222-222222222222";
/** What a root remembers before the first snapshot. */
export const NOTHING: RootRecord = {
  known: undefined,
  hold: undefined,
  held: [],
  removals: [],
  acceptEpoch: undefined,
};
/** How long removals count. */
export const HOUR_MS = 3_600_000;
/** The time of every judgement that says no other. */
export const NOW_MS = 100 * HOUR_MS;

/** A snapshot and what was before it, in few words. */
export interface Given extends Partial<Pick<Evidence, "root" | "limits" | "nowMs">> {
  /** Stacks that were applied; without a number each has one object. */
  readonly inventory?: readonly (string | CountedStack)[];
  readonly present?: readonly string[];
  /** Present stacks of which nothing is wanted. */
  readonly empty?: readonly string[];
  readonly terminating?: readonly string[];
  readonly epoch?: string;
  readonly revision?: number;
  readonly approved?: number;
  /** The revisions at which what is held of stacks is approved by their names. */
  readonly approvedHeld?: Readonly<Record<string, number>>;
}

/** A root that knows the broker up to `revision`. */
export function known(revision: number, rest: Partial<RootRecord> = {}): RootRecord {
  return { ...NOTHING, known: { epoch: EPOCH, revision }, ...rest };
}

function stack(id: string, state: "present" | "terminating"): Snapshot["stacks"][number] {
  return { stack_id: id, name: id, generator_id: id, state, deployment_object: state === "present" ? OBJECT : null };
}

const OBJECT = {
  id: "33333333-3333-4333-8333-333333333333",
  sequence_id: 1,
  checksum: "a".repeat(64),
  size_bytes: 3,
  submitted_at: "2026-01-01T00:00:00Z",
};

/** The guard's verdict on it, and which stacks that are gone from the snapshot may be removed by it. */
export function judged(given: Given): Verdict & { readonly removable: ReadonlySet<string> } {
  const {
    present = [],
    empty = [],
    terminating = [],
    epoch = EPOCH,
    revision = 10,
    approved,
    approvedHeld = {},
    inventory = [],
    ...rest
  } = given;
  const stacks = [
    ...empty.map((id) => ({ ...stack(id, "present"), deployment_object: null })),
    ...present.map((id) => stack(id, "present")),
    ...terminating.map((id) => stack(id, "terminating")),
  ];
  const snapshot = {
    epoch,
    revision,
    complete: true,
    paused: false,
    prune_approved: approved ?? null,
    approved_held: Object.entries(approvedHeld).map(([stack_id, revision]) => ({ stack_id, revision })),
    stacks,
  } as const;
  const counted = inventory.map((one) => typeof one === "string" ? { id: one, objects: 1 } : one);
  const verdict = judge({ root: known(9), inventory: counted, limits: {}, nowMs: NOW_MS, snapshot, ...rest });
  const absent = counted.filter(({ id }) => ![...present, ...terminating].includes(id));
  const mayGo = ({ id }: CountedStack) => !verdict.isOnHold && !verdict.waiting.has(id);
  return { ...verdict, removable: new Set(absent.filter(mayGo).map(({ id }) => id)) };
}

/** Whole stacks that are held, each of one object. */
export function heldWhole(stackIds: readonly string[], rest: Partial<HeldStack> = {}): readonly HeldStack[] {
  return stackIds.map((id) => ({ id, objects: 1, revision: 7, isApproved: false, ...rest }));
}

/** What the snapshots before this one removed, as the root remembers it. */
export function removed(stackIds: readonly string[], minutesAgo: number, objects = 1): RootRecord["removals"] {
  const atMs = NOW_MS - minutesAgo * 60_000;
  return stackIds.map((stackId) => ({ stackId, kind: "absent", atMs, stacks: 1, objects }));
}

/** So many names of stacks. */
export function ids(count: number, prefix = "s"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}
