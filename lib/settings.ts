import { Failure, shortened } from "$lib/error.ts";
import { withoutSecrets } from "$lib/log.ts";
import { fromArguments } from "$lib/settings/arguments.ts";
import { argumentFaults, argumentsIn, type CommandDeclaration, commandNamed } from "$lib/settings/commands.ts";
import { fallbackOf, type Origins, type Refused } from "$lib/settings/fallbacks.ts";
import { flagOf, type Setting, type SettingsOf, variableOf } from "$lib/settings/declaration.ts";
import { unknownCommand } from "$lib/settings/help.ts";
import { signalNotes } from "$lib/settings/signal_variables.ts";
import { fromEnvironment, fromFile, type Given, type SettingSources } from "$lib/settings/sources.ts";

export type { CommandDeclaration } from "$lib/settings/commands.ts";
export type { Origins } from "$lib/settings/fallbacks.ts";
export * from "$lib/settings/declaration.ts";
export * from "$lib/settings/otlp.ts";
export * from "$lib/settings/otlp_rules.ts";
export * from "$lib/settings/page_rules.ts";
export * from "$lib/settings/shared.ts";
export type { SettingSources } from "$lib/settings/sources.ts";
export * from "$lib/settings/types.ts";

/** What a program declares. */
export interface Declarations<D extends readonly Setting[]> {
  readonly settings: D;
  /** Sections and keys of the other program, passed over in environment and file. */
  readonly passedOver: readonly string[];
  /** Groups of settings of which exactly one must be given. */
  readonly alternatives?: readonly (readonly string[])[];
  /** What is wrong with good values taken together; nothing when all is well. */
  readonly rules?: (settings: SettingsOf<D>, surroundings: RuleSurroundings) => readonly string[];
}

/** What the rules between settings may look at besides their values. */
export interface RuleSurroundings extends Pick<SettingSources, "readFile"> {
  readonly origins: Origins;
}

/** Where values come from, and what may be asked for. */
export interface Asking<C extends CommandDeclaration> extends SettingSources {
  /** What the program can be told to do, the first when nothing is said; without any, every word is a fault. */
  readonly commands?: readonly [C, ...C[]];
  /** What it can be told to do elsewhere, for who asks for what there is. */
  readonly others?: readonly CommandDeclaration[] | undefined;
}

/** What was asked for on the command line, in the environment and in the file. */
export interface Reading<D extends readonly Setting[], C extends CommandDeclaration = CommandDeclaration> {
  /** Undefined only where there are no commands. */
  readonly command: C | undefined;
  readonly settings: SettingsOf<D>;
  /** Where the values come from that nobody gave by a name of ours. */
  readonly origins: Origins;
  /** The values of the command's own flags, by key. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The words behind those of the command. */
  readonly arguments: readonly string[];
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
 * Reads every setting: flag before environment before file before variables of OpenTelemetry's before default; and the
 * flags of the command.
 *
 * @throws {Failure} `invalid_settings`, naming every bad value and every unknown key and where each came from, all at
 * once; the same list is in `details.errors`.
 */
export function readSettings<const D extends readonly Setting[], C extends CommandDeclaration = CommandDeclaration>(
  { settings, passedOver, alternatives = [], rules }: Declarations<D>,
  { commands, others = [], ...sources }: Asking<C>,
): Reading<D, C> {
  const line = fromArguments([...settings, ...(commands ?? []).flatMap(({ options }) => options)], sources.args);
  const command = commands === undefined ? undefined : commandNamed(commands, line.words);
  const own = command?.options ?? [];
  const words = command === undefined ? [] : argumentsIn(command, line.words);
  const strongestFirst = [line, fromEnvironment(sources), fromFile(sources)];
  const given = strongestFirst.flatMap((source) => source.given);
  const { chosen, faults, origins } = choose(settings, { given, missing, env: sources.env });
  const options = choose(own, { given: line.given, missing: missingFlag, env: {} });
  const values = valuesOf(settings, chosen) as SettingsOf<D>;
  const all = [
    ...(command === undefined && line.words.length > 0
      ? [unknownCommand(line.words.join(" "), [...others, ...commands ?? []])]
      : []),
    ...(command === undefined ? [] : argumentFaults(command, words)),
    ...strongestFirst.flatMap((source) => source.faults),
    ...unknownFlags(line.given, [...settings, ...own]),
    ...unknownKeys(strongestFirst.slice(1).flatMap((source) => source.given), { settings, passedOver }),
    ...[...faults, ...options.faults],
    ...alternatives.flatMap((group) => ambiguities(group, given)),
    ...(faults.length === 0 ? rules?.(values, { ...sources, origins }) ?? [] : []),
  ];
  if (all.length > 0) throw invalid(all);
  return {
    command,
    settings: values,
    origins,
    options: valuesOf(own, options.chosen),
    arguments: words,
    printsSettings: line.printsSettings,
    text: print(settings, chosen, { origins, env: sources.env }),
  };
}

interface Choice {
  readonly chosen: ReadonlyMap<string, Chosen>;
  readonly faults: readonly string[];
  readonly origins: Origins;
}

/** What there is to choose from, and what to say of a required one that nobody gave. */
interface Choosing extends Pick<SettingSources, "env"> {
  readonly given: readonly Given[];
  readonly missing: (setting: Setting) => string;
}

/** Checks whatever was given, overruled values too, and keeps the strongest of each setting. */
function choose(settings: readonly Setting[], { given, missing, env }: Choosing): Choice {
  const chosen = new Map<string, Chosen>();
  const faults: string[] = [];
  const taken = new Map<string, string>();
  const refused: Refused[] = [];
  const defaults = new Set<string>();
  for (const setting of settings) {
    const candidates = given.filter(({ key }) => key === setting.key);
    if (candidates.length === 0) {
      const fallback = fallbackOf(setting, env);
      if (fallback?.refused !== undefined) refused.push(fallback.refused);
      if (fallback?.given !== undefined) taken.set(setting.key, fallback.given.origin);
      else defaults.add(setting.key);
      candidates.push(...(fallback?.given === undefined ? defaultOf(setting) : [fallback.given]));
    }
    if (candidates.length === 0 && setting.required) faults.push(missing(setting));
    for (const candidate of candidates) {
      const parsed = parse(setting, candidate);
      if (parsed === undefined) faults.push(wrong(setting, candidate));
      else if (!chosen.has(setting.key)) chosen.set(setting.key, parsed);
    }
  }
  return { chosen, faults, origins: { taken, refused, defaults } };
}

function valuesOf(
  settings: readonly Setting[],
  chosen: ReadonlyMap<string, Chosen>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(settings.map(({ key }) => [key, chosen.get(key)?.value]));
}

function defaultOf({ key, default: value }: Setting): Given[] {
  return value === undefined ? [] : [{ key, text: String(value), origin: "default" }];
}

function parse({ type }: Setting, { key, text, origin }: Given): Chosen | undefined {
  const parsed = text === undefined ? undefined : type.parse(text);
  return text === undefined || parsed === undefined ? undefined : { key, text, origin, value: parsed.value };
}

function wrong({ key, type, secret }: Setting, { text, origin }: Given): string {
  const shown = secret || text === undefined ? "" : `, not ${JSON.stringify(shortened(withoutSecrets(text)))}`;
  return `${key} must be ${type.expects}${shown} (${origin})`;
}

function missing({ key }: Setting): string {
  return `${key} is required (${flagOf(key)}, ${variableOf(key)}, or ${key} in the settings file)`;
}

function missingFlag({ key }: Setting): string {
  return `${flagOf(key)} is required`;
}

function ambiguities(group: readonly string[], given: readonly Given[]): string[] {
  const count = group.filter((key) => given.some((one) => one.key === key)).length;
  return count === 1 ? [] : [`exactly one of ${group.join(" and ")} is required, not ${count === 0 ? "none" : count}`];
}

/** The flags of other commands. */
function unknownFlags(given: readonly Given[], known: readonly Setting[]): string[] {
  return given.filter(({ key }) => !known.some((one) => one.key === key)).map(({ origin }) => `unknown flag ${origin}`);
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

function print(
  settings: readonly Setting[],
  chosen: ReadonlyMap<string, Chosen>,
  { origins, env }: Pick<SettingSources, "env"> & { readonly origins: Origins },
): string {
  return settings.map(({ key, secret }) => {
    const one = chosen.get(key);
    const value = one === undefined ? "is not set" : `= ${secret ? "***" : withoutSecrets(one.text)} (${one.origin})`;
    const passedOver = origins.refused.filter((variable) => variable.key === key).map(({ reason }) => reason);
    return `${[`${key} ${value}`, ...passedOver, ...signalNotes(key, origins, env)].join("; ")}\n`;
  }).join("");
}
