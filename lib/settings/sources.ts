import { parse as parseToml, TomlError } from "smol-toml";
import { messageOf } from "$lib/error.ts";
import { flagOf, type Setting, VARIABLE_PREFIX } from "$lib/settings/declaration.ts";

/** Where values come from, handed in by `main.ts`. */
export interface SettingSources {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Reads the file that `BROKKR_CONFIG_FILE` names. */
  readFile(path: string): string;
}

/** A value that somebody gave. */
export interface Given {
  readonly key: string;
  /** Undefined where the file has a table, or a list of them, in place of a value. */
  readonly text: string | undefined;
  /** The flag, the variable or the file, as its giver knows it. */
  readonly origin: string;
}

/** Everything that one source holds, and what can't be understood in it. */
export interface Source {
  readonly given: readonly Given[];
  readonly faults: readonly string[];
}

/** The command line: values, the words that are no flags, and whether the settings are to be printed. */
export interface CommandLine extends Source {
  readonly words: readonly string[];
  readonly printsSettings: boolean;
}

const FILE_VARIABLE = "BROKKR_CONFIG_FILE";
const PRINT_FLAG = "--print-settings";

/**
 * Reads `--flag value`, `--flag=value` and the bare name of a boolean; where a flag comes twice, the last one counts. The
 * word after an unknown flag is taken for its value, which may be a secret, and shown to nobody.
 */
export function fromArguments(settings: readonly Setting[], args: readonly string[]): CommandLine {
  const byFlag = new Map(settings.map((one) => [flagOf(one.key), one]));
  const given: Given[] = [];
  const faults: string[] = [];
  const words: string[] = [];
  const rest = args.filter((arg) => arg !== PRINT_FLAG);
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith("-")) {
      words.push(arg);
      continue;
    }
    const [flag, inline] = splitOnce(arg);
    const declared = byFlag.get(flag);
    const bare = declared !== undefined && takesBareName(declared) ? "true" : undefined;
    const text = inline ?? bare ?? (rest[0]?.startsWith("--") ? undefined : rest.shift());
    if (declared === undefined) faults.push(`unknown flag ${flag}`);
    else if (text === undefined) faults.push(`${flag} needs a value`);
    else given.push({ key: declared.key, text, origin: flag });
  }
  return { given: given.reverse(), faults, words, printsSettings: args.includes(PRINT_FLAG) };
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function takesBareName({ type }: Setting): boolean {
  return typeof type.parse("true")?.value === "boolean";
}

/** Reads every variable under `BROKKR__`, known or not. */
export function fromEnvironment({ env }: SettingSources): Source {
  const given = Object.entries(env)
    .filter(([variable]) => variable.startsWith(VARIABLE_PREFIX))
    .map(([variable, text]) => ({ key: keyOf(variable), text, origin: variable }));
  return { given, faults: [] };
}

function keyOf(variable: string): string {
  return variable.slice(VARIABLE_PREFIX.length).toLowerCase().replaceAll("__", ".");
}

/** Reads the TOML file, where one is named. */
export function fromFile({ env, readFile }: SettingSources): Source {
  const path = env[FILE_VARIABLE];
  if (path === undefined) return { given: [], faults: [] };
  try {
    return { given: flatten(parseToml(readFile(path)), { prefix: "", origin: path }), faults: [] };
  } catch (error) {
    return { given: [], faults: [`${FILE_VARIABLE} names "${path}", which can't be read: ${fileFault(error)}`] };
  }
}

/** The TOML parser's message goes on to quote lines of the file, which may hold a secret: only its first line is kept. */
function fileFault(error: unknown): string {
  if (!(error instanceof TomlError)) return messageOf(error);
  return `${error.message.split("\n")[0]} at line ${error.line}, column ${error.column}`;
}

function flatten(table: object, { prefix, origin }: { prefix: string; origin: string }): Given[] {
  return Object.entries(table).flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    if (isTable(value)) return flatten(value, { prefix: `${key}.`, origin });
    return [{ key, text: textOf(value), origin }];
  });
}

function isTable(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function textOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return String(value);
  return value.every((item) => typeof item !== "object") ? value.join(",") : undefined;
}
