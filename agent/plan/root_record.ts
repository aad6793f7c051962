import { z } from "zod";
import { jsonIn } from "$lib/json.ts";
import type { HeldStack, RootRecord, Stamp } from "./guard.ts";
import type { PastRemoval } from "./removals.ts";

/** The annotations of an object. */
export type Annotations = Readonly<Record<string, string>>;

const EPOCH = "brokkr.io/epoch";
const REVISION = "brokkr.io/revision";
const HOLD = "brokkr.io/hold";
const HELD = "brokkr.io/held";
const REMOVALS = "brokkr.io/removals";
const ACCEPT_EPOCH = "brokkr.io/accept-epoch";
const APPROVE_PRUNE = "brokkr.io/approve-prune";
const NAMES = [EPOCH, REVISION, HOLD, HELD, REMOVALS, ACCEPT_EPOCH, APPROVE_PRUNE];

const Revision = z.int().min(0);
const HoldAnnotation = z.object({ epoch: z.string(), revision: Revision });
/** The first three are what version 0.10.0 wrote and reads: whole stacks, all held and approved at once. */
const HeldAnnotation = z.object({
  revision: Revision,
  stackIds: z.array(z.string()),
  isApproved: z.boolean(),
  /** How many objects, by stack. */
  counts: z.record(z.string(), Revision).default({}),
  /** Of stacks that are wanted still, which objects. */
  parts: z.record(z.string(), z.string()).default({}),
  /** Of each, where that is not what the first three say. */
  each: z.record(z.string(), z.object({ revision: Revision, isApproved: z.boolean() })).default({}),
});
const RemovalsAnnotation = z.array(z.object({
  stack: z.string(),
  kind: z.enum(["absent", "terminating", "objects"]),
  at: z.iso.datetime(),
  stacks: Revision,
  objects: Revision,
  keys: z.string().optional(),
}));
/** What stands for a hold of which only that it is there is known: the next write of the root says it. */
const UNREADABLE: Stamp = { epoch: "unreadable", revision: 0 };

/** What a root's annotations say, and which of them say nothing. */
export interface RootReading {
  readonly record: RootRecord;
  /** The names of annotations that somebody spoilt. */
  readonly spoilt: readonly string[];
}

/**
 * Reads a root's annotations. A spoilt one may have said that something is held, or which broker is known, so it is
 * taken for a hold: what is to be applied goes on, and nothing is pruned until a person accepts the broker's epoch.
 */
export function readRootRecord(annotations: Annotations): RootReading {
  const spoilt: string[] = [];
  const read = <Shape extends z.ZodType>(name: string, shape: Shape): z.infer<Shape> | undefined => {
    if (annotations[name] === undefined) return undefined;
    const { data } = shape.safeParse(jsonIn(annotations[name]));
    if (data === undefined) spoilt.push(name);
    return data;
  };
  const { [EPOCH]: epoch, [ACCEPT_EPOCH]: acceptEpoch } = annotations;
  const [revision, hold] = [read(REVISION, Revision), read(HOLD, HoldAnnotation)];
  const held = heldStacks(read(HELD, HeldAnnotation));
  const removals = read(REMOVALS, RemovalsAnnotation)?.map(pastRemoval) ?? [];
  if (epoch !== undefined && annotations[REVISION] === undefined) spoilt.push(REVISION);
  const known = epoch === undefined ? undefined : { epoch, revision: revision ?? UNREADABLE.revision };
  const isSpoilt = spoilt.length > 0;
  const record = { known, hold: hold ?? (isSpoilt ? UNREADABLE : undefined), held, removals, acceptEpoch };
  const { data: approvePrune } = Revision.safeParse(jsonIn(annotations[APPROVE_PRUNE] ?? ""));
  return { record: approvePrune === undefined ? record : { ...record, approvePrune }, spoilt };
}

/** What a root's annotations must be, to say this. */
export function rootAnnotations({ known, hold, held, removals, acceptEpoch, approvePrune }: RootRecord): Annotations {
  return {
    ...(known === undefined ? {} : { [EPOCH]: known.epoch, [REVISION]: String(known.revision) }),
    ...(hold === undefined ? {} : { [HOLD]: JSON.stringify(hold) }),
    ...(held.length === 0 ? {} : { [HELD]: JSON.stringify(heldAnnotation(held)) }),
    ...(removals.length === 0 ? {} : { [REMOVALS]: JSON.stringify(removals.map(removalAnnotation)) }),
    ...(acceptEpoch === undefined ? {} : { [ACCEPT_EPOCH]: acceptEpoch }),
    ...(approvePrune === undefined ? {} : { [APPROVE_PRUNE]: String(approvePrune) }),
  };
}

/**
 * What to send so that a root's annotations say what they should; null takes one away, undefined is nothing to send.
 */
export function rootDifference(
  before: Annotations,
  after: Annotations,
): Readonly<Record<string, string | null>> | undefined {
  const names = NAMES.filter((name) => before[name] !== after[name]);
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, after[name] ?? null]));
}

function heldStacks(read: z.infer<typeof HeldAnnotation> | undefined): readonly HeldStack[] {
  if (read === undefined) return [];
  const { revision, isApproved, stackIds, counts, parts, each } = read;
  const of = (id: string) => ({ id, objects: counts[id] ?? 0, revision, isApproved, ...each[id] });
  return [...stackIds.map(of), ...Object.entries(parts).map(([id, keys]) => ({ ...of(id), keys }))];
}

function heldAnnotation(held: readonly HeldStack[]): z.infer<typeof HeldAnnotation> {
  const isApproved = held.every((one) => one.isApproved);
  const revision = Math.max(...held.map((one) => one.revision));
  const others = held.filter((one) => one.revision !== revision || one.isApproved !== isApproved);
  return {
    revision,
    stackIds: held.flatMap(({ id, keys }) => keys === undefined ? [id] : []),
    isApproved,
    counts: Object.fromEntries(held.map(({ id, objects }) => [id, objects])),
    parts: Object.fromEntries(held.flatMap(({ id, keys }) => keys === undefined ? [] : [[id, keys]])),
    each: Object.fromEntries(others.map(({ id, revision, isApproved }) => [id, { revision, isApproved }])),
  };
}

function pastRemoval({ stack, at, ...rest }: z.infer<typeof RemovalsAnnotation>[number]): PastRemoval {
  return { ...rest, stackId: stack, atMs: Date.parse(at) };
}

function removalAnnotation({ stackId, atMs, ...rest }: PastRemoval): z.infer<typeof RemovalsAnnotation>[number] {
  return { ...rest, stack: stackId, at: new Date(atMs).toISOString() };
}
