import { withoutSecrets } from "$lib/log.ts";
import type { Setting } from "$lib/settings/declaration.ts";
import { fallbackOf, type Origins, type Refused } from "$lib/settings/fallbacks.ts";
import { OTLP_SETTINGS, type OtlpSettings, type Signal, SIGNALS } from "$lib/settings/otlp.ts";

/** Settings of all signals that OpenTelemetry has a variable for each signal of, too. */
const SIGNAL_KEYS = [
  "otlp.ca_file",
  "otlp.client_cert_file",
  "otlp.client_key_file",
  "otlp.compression",
  "otlp.timeout_seconds",
] as const;
const SETTINGS: readonly Setting[] = OTLP_SETTINGS.filter(({ key }) => SIGNAL_KEYS.some((one) => one === key));
const ALL_SIGNALS = "OTEL_EXPORTER_OTLP_";

/** Settings, and where they come from. */
export interface SettingsAndOrigins {
  readonly settings: OtlpSettings;
  readonly origins: Origins;
}

/**
 * The settings as they are for one signal: a variable such as `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT` counts before that of
 * all signals, and neither where somebody gave the setting by a name of ours.
 */
export function settingsOfSignal(
  signal: Signal,
  { settings, origins }: SettingsAndOrigins,
  env: Readonly<Record<string, string | undefined>>,
): SettingsAndOrigins {
  const values: Record<string, unknown> = {};
  const taken = new Map(origins.taken);
  const [defaults, refused]: [Set<string>, Refused[]] = [new Set(origins.defaults), [...origins.refused]];
  for (const setting of SETTINGS.filter(({ key }) => mayBeOfSignal(key, origins))) {
    const { key, type } = setting;
    const found = ownOf(signal, setting, env);
    if (found === undefined) continue;
    refused.splice(0, refused.length, ...refused.filter((one) => one.key !== key));
    if (found.refused !== undefined) refused.push(found.refused);
    if (found.given?.text === undefined) continue;
    values[key] = type.parse(found.given.text)?.value;
    taken.set(key, found.given.origin);
    defaults.delete(key);
  }
  return { settings: { ...settings, ...values }, origins: { taken, defaults, refused } };
}

/** What such variables say of a setting, signal by signal: which value counts, or why none does. */
export function signalNotes(
  key: string,
  origins: Pick<Origins, "taken" | "defaults">,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const setting = SETTINGS.find((one) => one.key === key);
  if (setting === undefined || !mayBeOfSignal(key, origins)) return [];
  return SIGNALS.flatMap((signal) => {
    const { given, refused } = ownOf(signal, setting, env) ?? {};
    if (refused !== undefined) return [refused.reason];
    return given?.text === undefined ? [] : [`for ${signal} ${withoutSecrets(given.text)} (${given.origin})`];
  });
}

/** Whether nobody gave the setting by a name of ours. */
function mayBeOfSignal(key: string, { taken, defaults }: Pick<Origins, "taken" | "defaults">): boolean {
  return defaults.has(key) || taken.has(key);
}

function ownOf(signal: Signal, setting: Setting, env: Readonly<Record<string, string | undefined>>) {
  const { fallbacks = [] } = setting;
  const own = fallbacks.map((one) => ({ ...one, variable: variableOf(signal, one.variable) }));
  return fallbackOf({ ...setting, fallbacks: own }, env);
}

/** A variable of all signals, as the one of this signal is named. */
function variableOf(signal: Signal, variable: string): string {
  return `${ALL_SIGNALS}${signal.toUpperCase()}_${variable.slice(ALL_SIGNALS.length)}`;
}
