import type { Setting } from "$lib/settings/declaration.ts";

/** A word that follows the words of a command. */
export interface Argument {
  /** What stands for it in help: `STACK`. */
  readonly name: string;
  readonly help: string;
  readonly isOptional?: true;
  /** What it may be, where that is fixed. */
  readonly choices?: readonly string[];
}

/** Something a program can be told to do, as far as its command line goes. */
export interface CommandDeclaration {
  /** How it is called: `serve`, `create agent`. */
  readonly words: string;
  /** What it does, as a sentence. */
  readonly help: string;
  /** Flags of its own, beside those of every setting; neither a variable nor the settings file gives them. */
  readonly options: readonly Setting[];
  /** Words that follow; left out, none do. */
  readonly arguments?: readonly Argument[];
}

/** The command that the words of a command line name, the first when there are none; undefined for unknown ones. */
export function commandNamed<C extends CommandDeclaration>(
  commands: readonly [C, ...C[]],
  words: readonly string[],
): C | undefined {
  if (words.length === 0) return commands[0];
  return commands.find((command) => {
    const own = command.words.split(" ");
    return own.every((word, at) => word === words[at]) &&
      (words.length === own.length || (command.arguments ?? []).length > 0);
  });
}

/** The words behind those of a command. */
export function argumentsIn({ words: own }: CommandDeclaration, words: readonly string[]): readonly string[] {
  return words.slice(own.split(" ").length);
}

/** What is wrong with the words behind those of a command. */
export function argumentFaults(
  { arguments: declared = [] }: CommandDeclaration,
  words: readonly string[],
): readonly string[] {
  const missing = declared.slice(words.length).filter(({ isOptional }) => isOptional !== true);
  const surplus = words.slice(declared.length);
  const wrong = declared.filter(({ choices }, at) => choices?.includes(words[at] ?? "") === false && at < words.length);
  return [
    ...wrong.map(({ name, choices = [] }) => `${name} must be one of ${choices.join(", ")}`),
    ...missing.map(({ name, help }) => `${name} is missing: ${help}`),
    ...surplus.map((word) => `"${word}" is one word too many`),
  ];
}
