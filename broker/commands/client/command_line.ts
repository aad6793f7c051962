import { Failure } from "$lib/error.ts";
import { type CommandLine, fromArguments } from "$lib/settings/arguments.ts";
import { argumentFaults, argumentsIn } from "$lib/settings/commands.ts";
import { flagOf, type Setting, type SettingsOf } from "$lib/settings/declaration.ts";
import { isHelp } from "$lib/settings/help.ts";
import type { Given } from "$lib/settings/sources.ts";
import type { ClientAsked, ClientCommand, ClientDeclaration, Flag } from "./declaration.ts";
import { BROKER_URL, CONNECTION_FLAGS } from "./flags.ts";

type Environment = Readonly<Record<string, string>>;

/** What a command line says. */
export interface ClientLine extends ClientAsked {
  readonly command: ClientCommand;
  readonly connection: SettingsOf<typeof CONNECTION_FLAGS>;
}

/**
 * Whether a command line is the client's: its first word, flags before it passed over, begins one of its commands, and
 * a broker is named where that is wanted.
 */
export function isClientLine(
  args: readonly string[],
  { commands, env }: { readonly commands: readonly ClientDeclaration[]; readonly env: Environment },
): boolean {
  const { words: [first], given } = lineOf(args, commands);
  const isNamed = candidatesOf(BROKER_URL, given, env).length > 0;
  return commands.some(({ words, wantsUrl }) => words.split(" ")[0] === first && (isNamed || wantsUrl !== true));
}

/** The command that a command line names, as far as its words go; undefined where it names a part of one, or none. */
export function commandIn<C extends ClientDeclaration>(args: readonly string[], commands: readonly C[]): C | undefined {
  const words = wordsOf(args, commands);
  return commands.find((command) => command.words.split(" ").every((word, index) => word === words[index]));
}

/** The words of a command line that are no flags. */
export function wordsOf(args: readonly string[], commands: readonly ClientDeclaration[]): readonly string[] {
  return lineOf(args, commands).words;
}

function lineOf(args: readonly string[], commands: readonly ClientDeclaration[]): CommandLine {
  return fromArguments(allFlags(commands), args.filter((arg) => !isHelp(arg)));
}

/**
 * Reads a command line.
 *
 * @throws {Failure} `invalid_settings` with every fault at once.
 */
export function readCommandLine(
  args: readonly string[],
  { commands, env }: { readonly commands: readonly ClientCommand[]; readonly env: Environment },
): ClientLine {
  const line = fromArguments(allFlags(commands), args);
  const command = commandIn(args, commands);
  if (command === undefined) throw usage("do that", [unknownWords(line.words.join(" "), commands)]);
  const own = [...command.options, ...CONNECTION_FLAGS];
  const words = argumentsIn(command, line.words);
  const { values, faults } = read(own, line, env);
  const all = [
    ...line.faults,
    ...line.given.filter(({ key }) => own.every((one) => one.key !== key)).map(({ origin }) =>
      `unknown flag ${origin}`
    ),
    ...argumentFaults(command, words),
    ...faults,
  ];
  if (all.length > 0) {
    throw usage(`run "${command.words}"`, [...all, `\`brokkr-broker ${command.words} --help\` shows how`]);
  }
  return { command, arguments: words, options: values, connection: values as SettingsOf<typeof CONNECTION_FLAGS> };
}

/** A failure of the command line, or of what it names. */
export function usage(what: string, faults: readonly string[]): Failure {
  const [only, ...others] = faults;
  return new Failure("invalid_settings", `Cannot ${what}:${others.length === 0 ? ` ${only}` : indented(faults)}`);
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `\n  ${line}`).join("");
}

function allFlags(commands: readonly ClientDeclaration[]): readonly Setting[] {
  return [...CONNECTION_FLAGS, ...commands.flatMap(({ options }) => options)];
}

function unknownWords(words: string, commands: readonly ClientDeclaration[]): string {
  const first = words.split(" ")[0] ?? "";
  const known = commands.filter((command) => command.words.startsWith(`${first} `)).map((command) => command.words);
  return `"${words}" is no command; there is ${known.join(", ")}`;
}

interface Values {
  readonly values: Readonly<Record<string, unknown>>;
  readonly faults: readonly string[];
}

/** The flag itself before its variable before its default. */
function read(flags: readonly Flag[], line: CommandLine, env: Environment): Values {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const flag of flags) {
    const parsed = candidatesOf(flag, line.given, env).map(({ text = "", origin }) => {
      const result = flag.type.parse(text);
      if (result === undefined) faults.push(`${origin} must be ${flag.type.expects}`);
      return result?.value;
    });
    const isNamed = line.faults.some((fault) => fault.startsWith(`${flagOf(flag.key)} `));
    if (parsed.length === 0 && flag.required && !isNamed) faults.push(`${flagOf(flag.key)} is required`);
    values[flag.key] = flag.repeats ? parsed.reverse().flat() : parsed[0];
  }
  return { values, faults };
}

function candidatesOf(flag: Flag, given: readonly Given[], env: Environment): readonly Given[] {
  const { key, variable, repeats } = flag;
  const said = given.filter((one) => one.key === key);
  if (said.length > 0) return repeats ? said : said.slice(0, 1);
  const text = variable === undefined ? undefined : env[variable];
  if (text !== undefined && text !== "") return [{ key, text, origin: variable ?? key }];
  return flag.default === undefined ? [] : [{ key, text: String(flag.default), origin: "default" }];
}
