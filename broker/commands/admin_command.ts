import type { Command, Outcome } from "$lib/program/command.ts";
import type { Setting, SettingsOf } from "$lib/settings.ts";
import type { SETTINGS } from "../settings.ts";
import type { Administration } from "./administration.ts";
import { databaseAdministration } from "./database_administration.ts";
import { socketAdministration } from "./socket_administration.ts";

/** A command of the admin's. */
interface AdminCommand<O extends readonly Setting[]> {
  readonly words: string;
  readonly help: string;
  readonly options: O;
  act(administration: Administration, options: SettingsOf<O>): Promise<Outcome>;
}

/** Makes a command that asks the broker that runs in the data folder or, where none does, works on the database. */
export function adminCommand<const O extends readonly Setting[]>(
  { words, help, options, act }: AdminCommand<O>,
): Command<typeof SETTINGS, O> {
  return {
    ...{ words, help, options },
    async run({ settings, options }, parts) {
      await using administration = await socketAdministration(settings.data_dir, parts.clock) ??
        await databaseAdministration(settings, parts);
      return await act(administration, options);
    },
  };
}
