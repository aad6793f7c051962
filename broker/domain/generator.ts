/** The identity of a team or CI job. */
export interface Generator {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly isSystem: boolean;
  /** An inactive generator's key is known and refused. */
  readonly isActive: boolean;
  readonly lastActiveAt?: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A generator to make, with the hash of its first key. */
export interface NewGenerator {
  readonly name: string;
  readonly description?: string;
  readonly pakHash: string;
}

/** What of a generator is replaced; without `isActive` that stays. */
export interface GeneratorChange {
  readonly name: string;
  readonly description?: string;
  readonly isActive?: boolean;
}
