import type { Outcome } from "$lib/program/command.ts";
import { uuid } from "$lib/settings/types.ts";
import type { Argument } from "$lib/settings/commands.ts";
import type { Administration } from "./administration.ts";
import { usage } from "./client/command_line.ts";
import { type ClientAsked, type Example, type Flag, flag } from "./client/declaration.ts";

/** A command of the admin's that makes a key, on the broker's own machine or from elsewhere: the key is the answer. */
export interface KeyCommand<O extends readonly Flag[] = readonly Flag[]> {
  readonly words: string;
  readonly help: string;
  readonly arguments: readonly Argument[];
  readonly options: O;
  readonly examples: readonly Example[];
  act(administration: Administration, asked: ClientAsked<O>): Promise<Outcome>;
}

/** The declaration itself: its flags give `options` their types. */
export function keyCommand<const O extends readonly Flag[]>(declaration: KeyCommand<O>): KeyCommand<O> {
  return declaration;
}

/** Flags of commands that say by a word whose key it is: scripts may give the id by a flag. */
export const BY_ID = [
  flag({ key: "id", type: uuid(), value: "ID", help: "The id, in place of the word." }),
] as const;

/**
 * Whose key it is: a name or an id.
 *
 * @throws {Failure} `invalid_settings` unless it is said once.
 */
export function ownerIn(
  { options: { id }, arguments: [nameOrId] }: ClientAsked<typeof BY_ID>,
  { words, owner }: { readonly words: string; readonly owner: string },
): string {
  const [only, other] = [nameOrId, id].filter((one) => one !== undefined);
  if (only !== undefined && other === undefined) return only;
  const what = only === undefined ? "is missing" : "and --id can't be given together";
  throw usage(`run "${words}"`, [`${owner} ${what}: \`brokkr-broker ${words} --help\` shows how`]);
}
