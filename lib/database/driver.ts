import type { SqlValue } from "$lib/database.ts";

/** What takes statements: a pool, or one connection inside a transaction. Its errors are the driver's own. */
export interface Statements {
  /** Runs one statement with its values. */
  run(piece: TemplateStringsArray, values: readonly SqlValue[]): Promise<readonly object[]>;
  /** Runs a command that takes no values, such as `notify`, unprepared. */
  command(text: string): Promise<void>;
}

/** A set of connections, made when they are needed. */
export interface Driver extends Statements {
  /** Runs `work` between `begin` and `commit`, or `rollback` when it rejects. */
  begin<T>(work: (tx: Statements) => Promise<T>): Promise<T>;
  /** Closes every connection, and rejects what still runs. */
  end(): Promise<void>;
}

/** What is particular about a set of connections. */
export interface DriverOptions {
  readonly size: number;
  /** Takes a notice from the server. */
  readonly onNotice?: (channel: string, payload: string) => void;
  /** Hears that a connection is gone. */
  readonly onClose?: () => void;
}

/** Makes a set of connections to the one database. */
export type Connect = (options: DriverOptions) => Driver;

/** A name as SQL writes it, quoted. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL writes it, quoted, with `standard_conforming_strings` on. */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
