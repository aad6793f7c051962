import {
  type CONNECTION_STATES,
  type DatabaseMetrics,
  type Operation,
  OPERATIONS,
  type TRANSACTION_STEPS,
} from "$lib/database.ts";

/** What a door recorded, and what to hand to it. */
export interface RecordedStatements {
  readonly metrics: DatabaseMetrics;
  /** How many statements of each operation were counted since the last `forget`. */
  counts(): Readonly<Record<Operation, number>>;
  /** How many of them failed. */
  errors(): Readonly<Record<Operation, number>>;
  /** What the door last said of its connections. */
  connections(): Readonly<Partial<Record<(typeof CONNECTION_STATES)[number], number>>>;
  /** The recorded seconds of an operation, in order. */
  seconds(operation: Operation): readonly number[];
  /** Which steps of transactions were timed, in order. */
  transactions(): readonly (typeof TRANSACTION_STEPS)[number][];
  forget(): void;
}

/** Records in place of the registry what the database door counts and times. */
export function recordedStatements(): RecordedStatements {
  const counted: Operation[] = [];
  const failed: Operation[] = [];
  const timed: (readonly [Operation, number])[] = [];
  const steps: (typeof TRANSACTION_STEPS)[number][] = [];
  const connections: Record<string, number> = {};
  return {
    metrics: {
      queries: { add: (value, of) => of && counted.push(...Array<Operation>(value).fill(of.operation)) },
      errors: { add: (_, of) => of && failed.push(of.operation) },
      connections: { record: (value, of) => of && (connections[of.state] = value) },
      pool: { record: () => {} },
      transactions: { record: (_, of) => of && steps.push(of.operation) },
      duration: { record: (seconds, of) => of && timed.push([of.operation, seconds]) },
    },
    counts: () => countsOf(counted),
    errors: () => countsOf(failed),
    connections: () => ({ ...connections }),
    seconds: (operation) => timed.filter(([of]) => of === operation).map(([, seconds]) => seconds),
    transactions: () => [...steps],
    forget() {
      steps.length = 0;
      counted.length = 0;
      failed.length = 0;
      timed.length = 0;
    },
  };
}

function countsOf(operations: readonly Operation[]): Readonly<Record<Operation, number>> {
  const [select, insert, update, remove] = OPERATIONS.map((of) => operations.filter((each) => each === of).length);
  return { select: select ?? 0, insert: insert ?? 0, update: update ?? 0, delete: remove ?? 0 };
}
