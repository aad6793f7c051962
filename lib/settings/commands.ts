import type { Setting } from "$lib/settings/declaration.ts";

/** Something a program can be told to do, as far as its command line goes. */
export interface CommandDeclaration {
  /** How it is called: `serve`, `create agent`. */
  readonly words: string;
  /** What it does, as a sentence. */
  readonly help: string;
  /** Flags of its own, beside those of every setting; neither a variable nor the settings file gives them. */
  readonly options: readonly Setting[];
}

/** The command that the words of a command line name, the first when there are none; undefined for unknown ones. */
export function commandNamed<C extends CommandDeclaration>(
  commands: readonly [C, ...C[]],
  words: readonly string[],
): C | undefined {
  return words.length === 0 ? commands[0] : commands.find((command) => command.words === words.join(" "));
}
