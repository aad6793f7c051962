import { LOG_FORMATS, LOG_LEVELS } from "$lib/log.ts";
import { boolean, choice, integer, type SettingType, text } from "$lib/settings/types.ts";

/** What the environment variables of all settings begin with. */
export const VARIABLE_PREFIX = "BROKKR__";

/** A value as one would write it in the settings file. */
export type FileValue = string | number | boolean;

/** One setting, declared once: its flag, variable, documentation and chart value follow from here. */
export interface Setting<K extends string = string, T = unknown> {
  /** `section.key`, or `key` alone, in snake case. */
  readonly key: K;
  readonly type: SettingType<T>;
  /** What it does, as a sentence for the settings reference. */
  readonly help: string;
  readonly default?: FileValue;
  /** Whether the program refuses to start without it. */
  readonly required?: true;
  /** Whether its value is masked wherever settings are shown. */
  readonly secret?: true;
}

/** The values of declared settings, by key. */
export type SettingsOf<D extends readonly Setting[]> = {
  readonly [S in D[number] as S["key"]]: S extends Setting<string, infer T> ? T : never;
};

type Described<K extends string, T> = Pick<Setting<K, T>, "key" | "type" | "help" | "secret">;

/** Declares a setting that always has a value, because it has a default or is required. */
export function setting<const K extends string, T>(
  declaration: Described<K, T> & ({ readonly default: FileValue } | { readonly required: true }),
): Setting<K, T>;
/** Declares a setting that may be left out: its value is then undefined. */
export function setting<const K extends string, T>(declaration: Described<K, T>): Setting<K, T | undefined>;
/** The declaration itself: only its type is new. */
export function setting(declaration: Setting): Setting {
  return declaration;
}

/** The settings that do the same in both programs. */
export const SHARED_SETTINGS = [
  setting({
    key: "log.level",
    type: choice(LOG_LEVELS),
    default: "info",
    help: "Minimum log level.",
  }),
  setting({
    key: "log.format",
    type: choice(LOG_FORMATS),
    default: "text",
    help: "Log format: text for people, json for machines.",
  }),
  setting({
    key: "metrics.enabled",
    type: boolean(),
    default: true,
    help: "Whether there are metrics; if not, nothing is collected.",
  }),
  setting({
    key: "metrics.port",
    type: integer({ max: 65_535 }),
    help:
      "A port for `/metrics` alone, at the address of the main listener, which then does not serve it; 0 lets the system choose.",
  }),
  setting({
    key: "metrics.bearer_token_file",
    type: text(),
    help:
      "A file that holds the token that scrapes must bring as `Authorization: Bearer`; read at each scrape, so that a rotated token counts at once.",
  }),
] as const;

/** Sections and keys that only the broker reads; the agent passes over them, so that one file can serve both. */
export const BROKER_ONLY = ["database", "data_dir", "broker", "agents", "cors", "metrics.refresh_interval"] as const;
/** Sections that only the agent reads; the broker passes over them. */
export const AGENT_ONLY = ["agent"] as const;

/** The flag of a setting: `broker.listen` is `--broker-listen`. */
export function flagOf(key: string): string {
  return `--${key.replaceAll(/[._]/g, "-")}`;
}

/** The environment variable of a setting: `broker.listen` is `BROKKR__BROKER__LISTEN`. */
export function variableOf(key: string): string {
  return `${VARIABLE_PREFIX}${key.replaceAll(".", "__").toUpperCase()}`;
}
