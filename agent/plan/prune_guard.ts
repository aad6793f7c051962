/** Objects that a stack's new bundle lacks, and that its record has. */
export interface Removal {
  readonly stackId: string;
  readonly stackName: string;
  /** The keys of what would be removed, as `objectKey` makes them. */
  readonly keys: readonly string[];
  /** The keys that the bundle wants: one that only replaces another under a new hash takes it out of the count. */
  readonly wantedKeys: readonly string[];
  /** How many objects the stack's record has, those to be removed among them. */
  readonly total: number;
}

/** The guard's answer; `revision` is what a person approves. */
export type RemovalAnswer = { readonly isAllowed: true } | { readonly isAllowed: false; readonly revision: number };

/** What a turn asks before it removes objects of a stack that is wanted still. */
export interface RemovalGuard {
  /**
   * Asks whether these objects may be removed by absence, and has it recorded before they are. To be asked whenever a turn
   * could prune, with no keys too: then what was held of the stack is held no more.
   */
  ask(removal: Removal, signal: AbortSignal): Promise<RemovalAnswer>;
}
