import type { Command } from "$lib/program/command.ts";
import type { SETTINGS } from "../settings.ts";
import type { Flag } from "./client/declaration.ts";
import { databaseAdministration } from "./database_administration.ts";
import type { KeyCommand } from "./key_command.ts";
import { socketAdministration } from "./socket_administration.ts";

/** Has a command ask the broker that runs in the data folder or, where none does, work on the database. */
export function onThisMachine<O extends readonly Flag[]>(
  { words, help, arguments: all, options, act }: KeyCommand<O>,
): Command<typeof SETTINGS, O> {
  return {
    ...{ words, help, arguments: all, options },
    async run({ settings, ...asked }, parts) {
      await using administration = await socketAdministration(settings.data_dir, parts.clock) ??
        await databaseAdministration(settings, parts);
      return await act(administration, asked);
    },
  };
}
