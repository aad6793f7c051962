import { parse as parseToml, TomlError } from "smol-toml";
import { messageOf } from "$lib/error.ts";
import { VARIABLE_PREFIX } from "$lib/settings/declaration.ts";

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

const FILE_VARIABLE = "BROKKR_CONFIG_FILE";

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

/**
 * The TOML parser's message goes on to quote lines of the file, which may hold a secret: only its first line is kept.
 */
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
