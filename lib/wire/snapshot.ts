import { z } from "zod";
import { Sha256, Time, Uuid } from "./common.ts";
import { DefaultNamespace, DriftPolicy } from "./stack.ts";

/**
 * One stack of a snapshot; `deployment_object` is null when `terminating` or when nothing is submitted. A broker of
 * old says nothing of the stack's policy.
 */
export const SnapshotStack = z.object({
  stack_id: Uuid,
  name: z.string(),
  /** Nothing is written for it, its removal included. */
  suspended: z.boolean().optional(),
  drift: DriftPolicy.optional(),
  /** The namespace of objects that name none. */
  default_namespace: DefaultNamespace.optional(),
  generator_id: Uuid,
  state: z.enum(["present", "terminating"]),
  deployment_object: z.object({
    id: Uuid,
    sequence_id: z.int(),
    checksum: Sha256,
    size_bytes: z.int().min(0),
    submitted_at: Time,
    traceparent: z.string().optional(),
    tracestate: z.string().optional(),
  }).nullable(),
}).meta({ id: "SnapshotStack" });
/** The type of the shape of the same name. */
export type SnapshotStack = z.infer<typeof SnapshotStack>;

/** A person's word that what of one stack's removal waits for it at `revision` may go. */
const ApprovedStack = z.object({ stack_id: Uuid, revision: z.int() }).meta({ id: "ApprovedStack" });
/** The type of the shape of the same name. */
export type ApprovedStack = z.infer<typeof ApprovedStack>;

/** Which request had a stack's removal begin, and when, where that request is in a trace. */
const StackRemoval = z.object({
  stack_id: Uuid,
  traceparent: z.string(),
  tracestate: z.string().optional(),
  asked_at: Time,
}).meta({ id: "StackRemoval" });
/** The type of the shape of the same name. */
export type StackRemoval = z.infer<typeof StackRemoval>;

/** The complete desired state of one agent. `complete` must be true, or nothing of it is believed. */
export const Snapshot = z.object({
  epoch: Uuid,
  revision: z.int().min(0),
  complete: z.literal(true),
  paused: z.boolean(),
  prune_approved: z.int().nullable(),
  /** Of what lives in stacks' namespaces; of stacks that are not in `stacks` any more, too. */
  approved_stacks: z.array(ApprovedStack).optional(),
  /** Of what the guard holds, stack by stack; `prune_approved` says the one that was given last for all of an agent. */
  approved_held: z.array(ApprovedStack).optional(),
  /**
   * Stacks whose association ended, of which the agent has not said yet that nothing is left: one that has no record of
   * them says so, or nobody ever would. Nothing is removed by this list, but because `stacks` does not name them.
   */
  ended_stacks: z.array(Uuid).optional(),
  /** Of stacks that are not in `stacks` any more, too. Nothing is removed by this list. */
  removals: z.array(StackRemoval).optional(),
  stacks: z.array(SnapshotStack),
}).meta({ id: "Snapshot" });
/** The type of the shape of the same name. */
export type Snapshot = z.infer<typeof Snapshot>;

/** That an agent's snapshot says something else than before: at this revision, or already a later one. */
export const SnapshotChange = z.object({ revision: z.int().min(0) }).meta({ id: "SnapshotChange" });
