import type { Command, Outcome } from "$lib/command.ts";
import type { Setting, SettingsOf } from "$lib/settings.ts";
import type { SETTINGS } from "../settings.ts";
import { type AdminApi, apiThrough } from "./admin_api.ts";
import { databaseDoor } from "./database_door.ts";
import { socketDoor } from "./socket_door.ts";

/** A command that is done with the API. */
interface AdminCommand<O extends readonly Setting[]> {
  readonly words: string;
  readonly help: string;
  readonly options: O;
  act(api: AdminApi, options: SettingsOf<O>): Promise<Outcome>;
}

/** Makes a command that uses the API of the running broker or, where none runs in the data folder, one over the database. */
export function adminCommand<const O extends readonly Setting[]>(
  { words, help, options, act }: AdminCommand<O>,
): Command<typeof SETTINGS, O> {
  return {
    ...{ words, help, options },
    async run({ settings, options }, parts) {
      await using door = await socketDoor(settings.data_dir) ?? await databaseDoor(settings, parts);
      return await act(apiThrough(door, parts.clock), options);
    },
  };
}
