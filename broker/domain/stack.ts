/** A named unit of delivery, owned by one generator for ever. */
export interface Stack {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly generatorId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A stack to make. */
export interface NewStack {
  readonly name: string;
  readonly description?: string;
  readonly generatorId: string;
}

/** What of a stack is replaced. */
export interface StackChange {
  readonly name: string;
  readonly description?: string;
}
