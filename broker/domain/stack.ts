import type { DriftPolicy } from "$lib/wire/stack.ts";

/** How agents treat a stack, whatever is submitted to it. */
export interface StackPolicy {
  /** Agents write nothing for it, its removal included. */
  readonly suspended: boolean;
  readonly drift: DriftPolicy;
  /** The namespace of objects that name none; absent: the agent's own choice. */
  readonly defaultNamespace?: string;
}

/** A named unit of delivery, owned by one generator for ever. */
export interface Stack extends StackPolicy {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly generatorId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt?: Date;
}

/** A stack to make. */
export interface NewStack extends Partial<StackPolicy> {
  readonly name: string;
  readonly description?: string;
  readonly generatorId: string;
}

/** What of a stack is replaced; of its policy what is left out stays. */
export interface StackChange {
  readonly name: string;
  readonly description?: string;
  readonly suspended?: boolean;
  readonly drift?: DriftPolicy;
  /** Null takes it away. */
  readonly defaultNamespace?: string | null;
}
