import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { CommandDeclaration, Setting, SettingsOf } from "$lib/settings.ts";

/** What was asked of a command. */
export interface Asked<D extends readonly Setting[], O extends readonly Setting[] = readonly Setting[]> {
  readonly settings: SettingsOf<D>;
  /** The values of the command's own flags. */
  readonly options: SettingsOf<O>;
  /** The words behind those of the command; an optional one may be missing. */
  readonly arguments: readonly string[];
}

/** What commands are made of. */
export interface CommandParts {
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: typeof fetch;
}

/** What a command has to say. */
export interface Outcome {
  /** What it was asked for, alone on standard output; the one place where a key is shown. */
  readonly answer?: string;
  /** Lines for a person, on standard error; never a secret. */
  readonly notes: readonly string[];
}

/** Something a program can be told to do beside its lasting work. */
export interface Command<D extends readonly Setting[], O extends readonly Setting[] = readonly Setting[]>
  extends CommandDeclaration {
  readonly options: O;
  /** @throws What kept it from being done; the program then ends with 1. */
  run(asked: Asked<D, O>, parts: CommandParts): Promise<Outcome>;
}
