import type { RootRecord } from "./guard.ts";

/** What the inventory says of one stack that this agent applied and has not removed. */
export interface StackRecord {
  readonly id: string;
  readonly name: string;
  /** The deployment object that was last applied as a whole; undefined while none was. */
  readonly deploymentObjectId: string | undefined;
  readonly deploymentChecksum: string | undefined;
}

/** The record, kept in the cluster as ApplySets, of what this agent applied; changed only where something differs. */
export interface Inventory {
  /** The stacks with a parent of this agent's own. */
  listStacks(signal?: AbortSignal): Promise<readonly StackRecord[]>;
  /** What the root object remembers; all undefined when there is none. */
  readRoot(signal?: AbortSignal): Promise<RootRecord>;
  /** Writes what differs from the record last read or written; makes the root when there is none. */
  writeRoot(record: RootRecord, signal?: AbortSignal): Promise<void>;
}
