import { z } from "zod";
import { Sha256, Time, Uuid } from "./common.ts";

/** One stack of a snapshot; `deployment_object` is null when `terminating` or when nothing is submitted. */
export const SnapshotStack = z.object({
  stack_id: Uuid,
  name: z.string(),
  generator_id: Uuid,
  state: z.enum(["present", "terminating"]),
  deployment_object: z.object({
    id: Uuid,
    sequence_id: z.int(),
    checksum: Sha256,
    size_bytes: z.int().min(0),
    submitted_at: Time,
    traceparent: z.string().optional(),
  }).nullable(),
}).meta({ id: "SnapshotStack" });
/** The type of the shape of the same name. */
export type SnapshotStack = z.infer<typeof SnapshotStack>;

/** The complete desired state of one agent. `complete` must be true, or nothing of it is believed. */
export const Snapshot = z.object({
  epoch: Uuid,
  revision: z.int().min(0),
  complete: z.literal(true),
  paused: z.boolean(),
  prune_approved: z.int().nullable(),
  stacks: z.array(SnapshotStack),
}).meta({ id: "Snapshot" });
/** The type of the shape of the same name. */
export type Snapshot = z.infer<typeof Snapshot>;
