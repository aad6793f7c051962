/** A label of an agent or of a stack: they are associated when they share one. */
export interface Label {
  readonly id: string;
  /** The agent or the stack. */
  readonly ownerId: string;
  readonly label: string;
}

/** An annotation of an agent or of a stack: they are associated when they share key and value. */
export interface Annotation {
  readonly id: string;
  /** The agent or the stack. */
  readonly ownerId: string;
  readonly key: string;
  readonly value: string;
}

/** An explicit link agent → stack. */
export interface Target {
  readonly id: string;
  readonly agentId: string;
  readonly stackId: string;
}

/** An agent's consent to receive from a generator. */
export interface Registration {
  readonly id: string;
  readonly agentId: string;
  readonly generatorId: string;
  readonly registeredAt: Date;
}
