import type { RootRecord } from "./guard.ts";
import type { StackRecord } from "./record.ts";

/** The record, kept in the cluster as ApplySets, of what this agent applied; changed only where something differs. */
export interface Inventory {
  /** The stacks with a parent of this agent's own; of each, only what changed since the last look is read. */
  listStacks(signal?: AbortSignal): Promise<readonly StackRecord[]>;
  /** What the root object remembers; all undefined when there is none. */
  readRoot(signal?: AbortSignal): Promise<RootRecord>;
  /** Writes what differs from the record last read or written; makes the root when there is none. */
  writeRoot(record: RootRecord, signal?: AbortSignal): Promise<void>;
}
