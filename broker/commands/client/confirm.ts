import { unlessAborted } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { usage } from "./command_line.ts";
import type { ClientParts } from "./declaration.ts";

/** What a person is asked. */
export interface Question {
  /** The command, as messages name it: `approve`. */
  readonly command: string;
  readonly question: string;
  /** The flag that says yes where nobody can be asked: `--yes`. */
  readonly flag: string;
}

/**
 * Goes on after a typed yes.
 *
 * @throws {Failure} `invalid_settings` where nobody can be asked; `not_authorized` where the answer is no.
 */
export async function mustSayYes(
  { command, question, flag }: Question,
  { terminal, signal }: Pick<ClientParts, "terminal" | "signal">,
): Promise<void> {
  if (!terminal.isInteractive) throw usage(command, [`nobody can be asked here: ${flag} says yes`]);
  terminal.notes.write(`${question} Only "yes" does: `);
  const answer = await unlessAborted(terminal.readLine(), signal);
  if (answer !== "yes") throw new Failure("not_authorized", `Cannot ${command}: the answer was not yes`);
}
