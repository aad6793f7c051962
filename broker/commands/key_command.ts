import type { Outcome } from "$lib/program/command.ts";
import type { SettingsOf } from "$lib/settings/declaration.ts";
import type { Administration } from "./administration.ts";
import type { Example, Flag } from "./client/declaration.ts";

/** A command of the admin's that makes a key, on the broker's own machine or from elsewhere: the key is the answer. */
export interface KeyCommand<O extends readonly Flag[] = readonly Flag[]> {
  readonly words: string;
  readonly help: string;
  readonly options: O;
  readonly examples: readonly Example[];
  act(administration: Administration, options: SettingsOf<O>): Promise<Outcome>;
}

/** The declaration itself: its flags give `options` their types. */
export function keyCommand<const O extends readonly Flag[]>(declaration: KeyCommand<O>): KeyCommand<O> {
  return declaration;
}
