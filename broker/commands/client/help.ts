import { flagOf } from "$lib/settings/declaration.ts";
import { usageText } from "$lib/settings/help.ts";
import type { ClientDeclaration, Flag } from "./declaration.ts";
import { CONNECTION_FLAGS } from "./flags.ts";

const PROGRAM = "brokkr-broker";
const WIDTH = 100;

/** How a command is called: `brokkr-broker explain STACK [AGENT] [flags]`. */
export function usageLine(command: ClientDeclaration): string {
  return usageText(PROGRAM, command);
}

/** A flag as help shows it: `-o, --output FORMAT`. */
export function flagText({ key, short, value }: Flag): string {
  const name = value === undefined ? flagOf(key) : `${flagOf(key)} ${value}`;
  return short === undefined ? name : `-${short}, ${name}`;
}

/** What else is to be known of a flag: that it is required, its default, its variable. */
export function flagHelp({ help, required, default: value, variable, repeats }: Flag): string {
  const facts = [
    ...(required ? ["required"] : []),
    ...(repeats ? ["may be given several times"] : []),
    ...(value === undefined || value === false || value === "" ? [] : [`default ${value}`]),
    ...(variable === undefined ? [] : [variable]),
  ];
  return facts.length === 0 ? help : `${help} (${facts.join("; ")})`;
}

/** The help of one command. */
export function commandHelp(command: ClientDeclaration): string {
  const { help, arguments: all, options, examples } = command;
  return [
    `Usage: ${usageLine(command)}`,
    wrapped(help, WIDTH).join("\n"),
    ...section("Arguments", all.map(({ name, help }) => [name, help])),
    ...section("Flags", options.map((flag) => [flagText(flag), flagHelp(flag)])),
    ...section("The broker", CONNECTION_FLAGS.map((flag) => [flagText(flag), flagHelp(flag)])),
    `Examples:\n${examples.map(({ what, line }) => `  # ${what}\n  ${line}`).join("\n\n")}`,
  ].join("\n\n") + "\n";
}

/** The help of commands that begin with the same word. */
export function groupHelp(word: string, commands: readonly ClientDeclaration[]): string {
  const rows = commands.map(({ words, help }) => [words, help] as const);
  return `Usage: ${PROGRAM} ${word} ...\n\n${
    aligned(rows)
  }\n\n\`${PROGRAM} <command> --help\` shows the flags of each.\n`;
}

function section(title: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  return rows.length === 0 ? [] : [`${title}:\n${aligned(rows)}`];
}

function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => {
    const [first = "", ...others] = wrapped(text, WIDTH - width - 4);
    return [`  ${name.padEnd(width)}  ${first}`, ...others.map((line) => " ".repeat(width + 4) + line)].join("\n");
  }).join("\n");
}

/** Lines of whole words, each of so many characters at most where its words allow. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
