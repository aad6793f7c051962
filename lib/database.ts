/** What a statement may take as a value. */
export type SqlValue = string | number | bigint | boolean | null | Date | readonly (string | number)[] | SqlFragment;

/** A piece of SQL, made by `sql.fragment`, to be put into a statement. */
export interface SqlFragment {
  readonly fragment: true;
}

/**
 * Runs one statement: a tagged template whose values are sent as parameters; the result is its rows.
 *
 * @throws {Failure} `unavailable` when the database can't be reached or no connection is free within 5 s;
 * `unique_violation` (with `details.constraint`), `foreign_key_violation`, `check_violation`, `not_null_violation`.
 */
export interface Sql {
  <Row extends object = Record<never, never>>(
    statement: TemplateStringsArray,
    ...values: readonly SqlValue[]
  ): Promise<readonly Row[]>;
  /** A piece of SQL for use inside another statement. */
  fragment(piece: TemplateStringsArray, ...values: readonly SqlValue[]): SqlFragment;
}

/** A connection that is inside a transaction. Only it may be used until the transaction ends. */
export interface Transaction extends Sql {
  /** Sends `payload` to everyone who listens on `channel`, when the transaction commits. */
  notify(channel: string, payload: string): Promise<void>;
}

/** The database door: PostgreSQL, or the embedded one. */
export interface Database {
  /** One statement, in a transaction of its own. */
  readonly sql: Sql;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Hears notices on `channel` until the signal aborts; reconnects by itself.
   *
   * @param options.onState Hears whether the listening connection is up: notices may be missed while it is down.
   */
  listen(
    channel: string,
    options: { onNotice(payload: string): void; onState(isUp: boolean): void },
    signal: AbortSignal,
  ): Promise<void>;
  /** Finishes what runs and closes every connection. */
  close(): Promise<void>;
}
