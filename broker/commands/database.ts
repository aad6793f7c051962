import type { CommandParts } from "$lib/program/command.ts";
import { type Database, openDatabase } from "$lib/database.ts";
import type { BrokerSettings } from "../settings.ts";

/** A database that is closed when it is let go. */
export interface OpenDatabase extends AsyncDisposable {
  readonly database: Database;
}

/**
 * Opens the database that the settings name. One connection does for a command.
 *
 * @throws {Failure} `invalid_settings` when it is an embedded one that a running broker holds.
 */
export async function databaseOf(settings: BrokerSettings, { clock, log }: CommandParts): Promise<OpenDatabase> {
  const database = await openDatabase({
    url: settings["database.url"],
    listenUrl: settings["database.listen_url"],
    schema: settings["database.schema"],
    poolSize: 1,
    dataDir: settings.data_dir,
    ...{ clock, log },
  });
  return { database, [Symbol.asyncDispose]: () => database.close() };
}
