import type { SettingType } from "$lib/settings/types.ts";

/** What the environment variables of all settings begin with. */
export const VARIABLE_PREFIX = "BROKKR__";

/** A value as one would write it in the settings file. */
export type FileValue = string | number | boolean;

/** A variable of OpenTelemetry's that a setting's value is taken from where nobody gave one by a name of ours. */
export interface Fallback {
  readonly variable: string;
  /**
   * What the variable's text is as one of the setting, beside other variables that go with it; undefined: it says
   * nothing of it. Left out: the same text.
   */
  readonly read?: (text: string, env: Readonly<Record<string, string | undefined>>) => string | undefined;
  /** What the variable must be, as the end of a sentence that begins "must be"; left out: what the setting must be. */
  readonly expects?: string;
}

/** One setting, declared once: its flag, variable, documentation and chart value follow from here. */
export interface Setting<K extends string = string, T = unknown> {
  /** `section.key`, or `key` alone, in snake case. */
  readonly key: K;
  readonly type: SettingType<T>;
  /** What it does, as a sentence for the settings reference. */
  readonly help: string;
  readonly default?: FileValue;
  /** A letter that is a flag too: `f` is `-f`. Flags of commands may have one. */
  readonly short?: string;
  /** Whether the program refuses to start without it. */
  readonly required?: true;
  /** Whether its value is masked wherever settings are shown. */
  readonly secret?: true;
  /** The first that says something counts, before the default. What can't be used of them never stops a start. */
  readonly fallbacks?: readonly Fallback[];
}

/** The values of declared settings, by key. */
export type SettingsOf<D extends readonly Setting[]> = {
  readonly [S in D[number] as S["key"]]: S extends Setting<string, infer T> ? T : never;
};

type Described<K extends string, T> = Pick<Setting<K, T>, "key" | "type" | "help" | "secret" | "fallbacks">;

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

/** Sections and keys that only the broker reads; the agent passes over them, so that one file can serve both. */
export const BROKER_ONLY = [
  "database",
  "data_dir",
  "broker",
  "agents",
  "deliveries",
  "cors",
  "metrics.refresh_interval",
] as const;
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
