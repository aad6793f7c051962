import { Failure } from "$lib/error.ts";
import { withoutSecrets } from "$lib/log.ts";
import { flagOf, type Setting, type SettingsOf, variableOf } from "$lib/settings/declaration.ts";
import { fromArguments, fromEnvironment, fromFile, type Given, type SettingSources } from "$lib/settings/sources.ts";

export * from "$lib/settings/declaration.ts";
export type { SettingSources } from "$lib/settings/sources.ts";
export * from "$lib/settings/types.ts";

/** What a program declares. */
export interface Declarations<D extends readonly Setting[]> {
  readonly settings: D;
  /** What the program can be told to do, the first when nothing is said; several words are one command. */
  readonly commands: readonly [string, ...string[]];
  /** Sections and keys of the other program, passed over in environment and file. */
  readonly passedOver: readonly string[];
  /** Groups of settings of which exactly one must be given. */
  readonly alternatives?: readonly (readonly string[])[];
  /** What is wrong with good values taken together; nothing when all is well. */
  readonly rules?: (settings: SettingsOf<D>) => readonly string[];
}

/** What was asked for on the command line, in the environment and in the file. */
export interface Reading<D extends readonly Setting[]> {
  readonly command: string;
  readonly settings: SettingsOf<D>;
  /** Whether `--print-settings` was given. */
  readonly printsSettings: boolean;
  /** What `--print-settings` prints: a line for every setting, with where its value came from and secrets masked. */
  readonly text: string;
}

/** The value that counts, as text too. */
interface Chosen extends Given {
  readonly text: string;
  readonly value: unknown;
}

/**
 * Reads every setting: flag before environment before file before default.
 *
 * @throws {Failure} `invalid_settings`, naming every bad value and every unknown key and where each came from, all at
 * once; the same list is in `details.errors`.
 */
export function readSettings<const D extends readonly Setting[]>(
  { settings, commands, passedOver, alternatives = [], rules }: Declarations<D>,
  sources: SettingSources,
): Reading<D> {
  const line = fromArguments(settings, sources.args);
  const strongestFirst = [line, fromEnvironment(sources), fromFile(sources)];
  const given = strongestFirst.flatMap((source) => source.given);
  const command = line.words.length === 0 ? commands[0] : line.words.join(" ");
  const { chosen, faults } = choose(settings, given);
  const values = Object.fromEntries(settings.map(({ key }) => [key, chosen.get(key)?.value])) as SettingsOf<D>;
  const all = [
    ...(commands.includes(command) ? [] : [`unknown command "${command}"`]),
    ...strongestFirst.flatMap((source) => source.faults),
    ...unknownKeys(given, { settings, passedOver }),
    ...faults,
    ...alternatives.flatMap((group) => ambiguities(group, given)),
    ...(faults.length === 0 ? rules?.(values) ?? [] : []),
  ];
  if (all.length > 0) throw invalid(all);
  return { command, settings: values, printsSettings: line.printsSettings, text: print(settings, chosen) };
}

interface Choice {
  readonly chosen: ReadonlyMap<string, Chosen>;
  readonly faults: readonly string[];
}

/** Checks whatever was given, overruled values too, and keeps the strongest of each setting. */
function choose(settings: readonly Setting[], given: readonly Given[]): Choice {
  const chosen = new Map<string, Chosen>();
  const faults: string[] = [];
  for (const setting of settings) {
    const candidates = given.filter(({ key }) => key === setting.key);
    if (candidates.length === 0) candidates.push(...defaultOf(setting));
    if (candidates.length === 0 && setting.required) faults.push(missing(setting));
    for (const candidate of candidates) {
      const parsed = parse(setting, candidate);
      if (parsed === undefined) faults.push(wrong(setting, candidate));
      else if (!chosen.has(setting.key)) chosen.set(setting.key, parsed);
    }
  }
  return { chosen, faults };
}

function defaultOf({ key, default: value }: Setting): Given[] {
  return value === undefined ? [] : [{ key, text: String(value), origin: "default" }];
}

function parse({ type }: Setting, { key, text, origin }: Given): Chosen | undefined {
  const parsed = text === undefined ? undefined : type.parse(text);
  return text === undefined || parsed === undefined ? undefined : { key, text, origin, value: parsed.value };
}

function wrong({ key, type, secret }: Setting, { text, origin }: Given): string {
  const shown = secret || text === undefined ? "" : `, not "${withoutSecrets(text)}"`;
  return `${key} must be ${type.expects}${shown} (${origin})`;
}

function missing({ key }: Setting): string {
  return `${key} is required (${flagOf(key)}, ${variableOf(key)}, or ${key} in the settings file)`;
}

function ambiguities(group: readonly string[], given: readonly Given[]): string[] {
  const count = group.filter((key) => given.some((one) => one.key === key)).length;
  return count === 1 ? [] : [`exactly one of ${group.join(" and ")} is required, not ${count === 0 ? "none" : count}`];
}

function unknownKeys(
  given: readonly Given[],
  { settings, passedOver }: { settings: readonly Setting[]; passedOver: readonly string[] },
): string[] {
  const isKnown = (key: string) =>
    settings.some((setting) => setting.key === key) ||
    passedOver.some((one) => key === one || key.startsWith(`${one}.`));
  return given.filter(({ key }) => !isKnown(key)).map(({ key, origin }) => `unknown setting ${key} (${origin})`);
}

function invalid(faults: readonly string[]): Failure {
  const message = ["Cannot start with these settings:", ...faults].join("\n  ");
  return new Failure("invalid_settings", message, { details: { errors: faults } });
}

function print(settings: readonly Setting[], chosen: ReadonlyMap<string, Chosen>): string {
  return settings.map(({ key, secret }) => {
    const one = chosen.get(key);
    if (one === undefined) return `${key} is not set\n`;
    return `${key} = ${secret ? "***" : withoutSecrets(one.text)} (${one.origin})\n`;
  }).join("");
}
