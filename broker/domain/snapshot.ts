import type { StackPolicy } from "./stack.ts";

/**
 * What tells one snapshot from another: `revision` grows with every change of the agent's snapshot under one `epoch`.
 */
export interface SnapshotVersion {
  /** Made when the database is first migrated. */
  readonly epoch: string;
  readonly revision: number;
}

/** The complete desired state of one agent. */
export interface Snapshot extends SnapshotVersion {
  /** The agent is `INACTIVE`: it writes nothing to its cluster. */
  readonly isPaused: boolean;
  /** The revision whose held removals a person has allowed. */
  readonly pruneApproved?: number;
  /** The stacks whose blocked removal a person has allowed, and each one's revision; of stacks not in `stacks`, too. */
  readonly approvedStacks: readonly ApprovedStack[];
  /** The stacks of which a person has allowed what the guard holds. */
  readonly approvedHeld: readonly ApprovedStack[];
  /** Stacks whose association ended, whose removal the agent has not reported; never one of `stacks`. */
  readonly endedStacks: readonly string[];
  /** Removals that the agent has not reported as done, and that were asked for in a trace. */
  readonly removals: readonly TracedRemoval[];
  readonly stacks: readonly SnapshotStack[];
  /** The agent has been told of all that it is to apply: to be told the same again changes nothing. */
  readonly isDelivered: boolean;
}

/** A person's word about one stack's removal that was held or blocked at a revision. */
export interface ApprovedStack {
  readonly stackId: string;
  readonly revision: number;
}

/** The span of the request that had a stack's removal begin, flagged for this agent, and when that was. */
export interface TracedRemoval {
  readonly stackId: string;
  readonly traceparent: string;
  readonly tracestate?: string;
  readonly askedAt: Date;
}

/** One stack of a snapshot. */
export interface SnapshotStack extends StackPolicy {
  readonly stackId: string;
  readonly name: string;
  readonly generatorId: string;
  readonly state: "present" | "terminating";
  /** Absent when the stack is `terminating` or nothing of it is to be applied. */
  readonly object?: SnapshotObject;
}

/** The object to apply, without its body. */
export interface SnapshotObject {
  readonly id: string;
  readonly sequenceId: number;
  readonly checksum: string;
  readonly sizeBytes: number;
  readonly submittedAt: Date;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Which objects a target state holds: all, or those the agent has not reported on. */
export type TargetStateMode = "full" | "incremental";
