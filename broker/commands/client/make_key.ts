import type { KeyCommand } from "../key_command.ts";
import { apiAdministration } from "./api_administration.ts";
import { EXIT, type Flag, type RunClient } from "./declaration.ts";
import { plain } from "./text.ts";

/** Does what a key command does by the API: the key goes to standard output, and nowhere else. */
export function makeKey<O extends readonly Flag[]>({ act }: KeyCommand<O>): RunClient<O> {
  return async (asked, { api, terminal }) => {
    const { answer, notes } = await act(apiAdministration(api), asked);
    terminal.notes.write(notes.map((line) => `${plain(line)}\n`).join(""));
    if (answer !== undefined) terminal.output.write(`${answer}\n`);
    return EXIT.done;
  };
}
