import { Failure } from "$lib/error.ts";
import { type CommandDeclaration, commandNamed } from "$lib/settings/commands.ts";
import { flagOf, type Setting, variableOf } from "$lib/settings/declaration.ts";

/** What `--help` is about. */
export interface HelpSubject {
  /** The program as its user calls it: `brokkr-broker`. */
  readonly program: string;
  readonly commands: readonly [CommandDeclaration, ...CommandDeclaration[]];
  readonly settings: readonly Setting[];
  /** Commands that ask a broker over its API, each with a help of its own. */
  readonly others?: readonly CommandDeclaration[] | undefined;
}

const HELP_FLAGS: readonly string[] = ["--help", "-h"];
const END = `--print-settings shows every setting, its value and where that came from, secrets masked.
A setting is taken from its flag, its variable, the TOML file that BROKKR_CONFIG_FILE names, or, for what is sent by
OTLP, a variable of OpenTelemetry's, in this order.
`;

/**
 * The text that `--help` asks for: of the command whose words come first, else of the program. Undefined when nobody
 * asks.
 *
 * @throws {Failure} `invalid_settings` for a command that is not there.
 */
export function helpAsked(subject: HelpSubject, args: readonly string[]): string | undefined {
  if (args.join(" ") === "help") return programHelp(subject);
  if (!asksForHelp(args)) return undefined;
  const words = args.slice(0, args.findIndex((arg) => arg.startsWith("-")));
  if (words.length === 0) return programHelp(subject);
  const command = commandNamed(subject.commands, words);
  if (command === undefined) {
    throw new Failure(
      "invalid_settings",
      unknownCommand(words.join(" "), [...subject.others ?? [], ...subject.commands]),
    );
  }
  return commandHelp(subject, command);
}

/** What to say of a command that is not there. */
export function unknownCommand(words: string, commands: readonly CommandDeclaration[]): string {
  return `unknown command "${words}"; there is ${commands.map((command) => command.words).join(", ")}`;
}

/** How a command is called: `brokkr-broker explain STACK [AGENT] [flags]`. */
export function usageText(program: string, { words, arguments: all = [] }: CommandDeclaration): string {
  const names = all.map(({ name, isOptional }) => isOptional ? `[${name}]` : name);
  return [program, words, ...names, "[flags]"].join(" ");
}

/** Whether somebody asks for help: what stands behind `--` is no flag. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some(isHelp);
}

/** Whether it is a flag that asks for help. */
export function isHelp(arg: string): boolean {
  return HELP_FLAGS.includes(arg);
}

function programHelp({ program, commands, settings, others = [] }: HelpSubject): string {
  const rows = commands.map(({ words, help }, index) => [words, index === 0 ? `${help} (Also without a word.)` : help]);
  const asking = others.map(({ words, help }) => [words, help]);
  return `Usage: ${program} [command] [flags]

Commands (\`${program} <command> --help\` shows the flags of each):
${aligned(rows)}
${asking.length === 0 ? "" : `\nCommands that ask a broker, by --broker-url or on this machine:\n${aligned(asking)}\n`}
Settings:
${aligned(settings.map(({ key, help }) => [flagOf(key), `${help} (${variableOf(key)})`]))}

${END}`;
}

function commandHelp({ program }: HelpSubject, command: CommandDeclaration): string {
  const { help, options, arguments: all = [] } = command;
  const flags = options.map(({ key, help, required }) => [flagOf(key), `${help}${required ? " Required." : ""}`]);
  const words = all.map(({ name, help }) => [name, help]);
  return `Usage: ${usageText(program, command)}

${help}
${words.length === 0 ? "" : `\nArguments:\n${aligned(words)}\n`}${
    flags.length === 0 ? "" : `\nFlags of its own:\n${aligned(flags)}\n`
  }
Every setting has a flag too: \`${program} --help\` shows them.
${END}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return rows.map(([name = "", text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
