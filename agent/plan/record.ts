import type { Policies } from "$lib/policies.ts";
import type { RootRecord } from "./guard.ts";

/**
 * One object that this agent applied for a stack, as the stack's parent records it. What is to be deleted is decided by
 * this and by the uid, never by a label or by kind and name alone.
 */
export interface RecordedObject {
  /** The API group; empty for the core. */
  readonly group: string;
  readonly kind: string;
  /** The version it was last applied by. */
  readonly version: string;
  readonly namespace?: string;
  readonly name: string;
  /** Undefined from the decision to write it until the API server has answered. */
  readonly uid?: string;
  /** The first 16 digits of the SHA-256 of its normalised manifest. */
  readonly checksum: string;
  /** What the manifest said at the last write of it. */
  readonly policies?: Policies;
  /** It was there before this agent, and nobody said that it is to be ours: it is released at the end, not deleted. */
  readonly adopted?: true;
  /** The generation that was compared last; with it `marks`. */
  readonly generation?: number;
  /** The version that was compared last, of kinds without a generation. */
  readonly resourceVersion?: string;
  /** A digest of labels, annotations and owners that were compared last: no generation grows when those change. */
  readonly marks?: string;
  /** `held`: the guard keeps it from being deleted. */
  readonly state?: "held";
  /** Another server has it, by an APIService: when the API server serves its type no more, it may be there still. */
  readonly otherServer?: true;
  /** Fields left to another manager until the manifest changes. */
  readonly yielded?: readonly YieldedField[];
}

/** A field that is left to the manager who kept taking it back. */
export interface YieldedField {
  /** A JSON pointer. */
  readonly path: string;
  readonly manager: string;
}

/** What the stack's newest known bundle wants, applied or not. */
export interface WantedKeys {
  readonly deploymentObjectId: string;
  /** Keys as `objectKey` makes them. */
  readonly keys: readonly string[];
  /** Where the stack has what names no namespace, if it says so: in another one the same bundle wants others. */
  readonly defaultNamespace?: string;
  /**
   * How many objects the stack had when it came to want these, its former bundle being there whole: what is made for
   * them does not make what goes for them less. Undefined of a stack's first bundle.
   */
  readonly had?: number;
}

/** Where the objects of a stack can be that 0.10.0 applied. */
export interface LegacyScope {
  readonly groupKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly namespaces: readonly string[];
  /** Its list of kinds is lost: nobody knows all its objects. */
  readonly isSpoilt: boolean;
}

/** What keeps a Namespace or a definition from being deleted, until it is gone or a person approves just that. */
export interface InTheWay {
  /** The snapshot's revision that a person approves. */
  readonly revision: number;
  readonly uids: readonly string[];
}

/** What the inventory says of one stack that this agent applied and has not removed. */
export interface StackRecord {
  readonly id: string;
  readonly name: string;
  /** Whose word brought it here last: as that user its objects are removed, too. Unknown of what older agents wrote. */
  readonly generatorId?: string;
  /** The deployment object that was last applied as a whole; undefined while none was. */
  readonly deploymentObjectId: string | undefined;
  readonly deploymentChecksum: string | undefined;
  readonly wanted: WantedKeys | undefined;
  readonly objects: readonly RecordedObject[];
  readonly inTheWay?: InTheWay;
  /** Of a parent that 0.10.0 wrote: its objects are not recorded yet, but known by their label. */
  readonly legacy?: LegacyScope;
  /** Why the record can't be read: as long as that is so, nothing of the stack is removed. */
  readonly unreadable?: string;
}

/** The record, kept in the cluster as ApplySets, of what this agent applied; changed only where something differs. */
export interface Inventory {
  /** The stacks with a parent of this agent's own; of each, only what changed since the last look is read. */
  listStacks(signal?: AbortSignal): Promise<readonly StackRecord[]>;
  /** What the root object remembers; all undefined when there is none. */
  readRoot(signal?: AbortSignal): Promise<RootRecord>;
  /** Writes what differs from the record last read or written; makes the root when there is none. */
  writeRoot(record: RootRecord, signal?: AbortSignal): Promise<void>;
}
