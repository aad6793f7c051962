import type { Setting } from "$lib/settings/declaration.ts";
import type { Given } from "$lib/settings/sources.ts";

/** A variable of OpenTelemetry's that can't be used. */
export interface Refused {
  /** The setting that it was looked at for. */
  readonly key: string;
  /** Which variable it is, and what it must be; never what it holds. */
  readonly reason: string;
}

/** Where values come from that nobody gave by a name of ours. */
export interface Origins {
  /** The variable of OpenTelemetry's that a setting's value was taken from, by the setting's key. */
  readonly taken: ReadonlyMap<string, string>;
  readonly refused: readonly Refused[];
  /** The settings whose default counts. */
  readonly defaults: ReadonlySet<string>;
}

/** What the first variable says that says anything of the setting; an empty one says nothing. */
export function fallbackOf(
  { key, type, fallbacks = [] }: Setting,
  env: Readonly<Record<string, string | undefined>>,
): { readonly given?: Given; readonly refused?: Refused } | undefined {
  for (const { variable, read = (text: string) => text, expects = type.expects } of fallbacks) {
    const written = env[variable]?.trim() ?? "";
    const text = written === "" ? undefined : read(written, env);
    if (text === undefined) continue;
    if (type.parse(text) !== undefined) return { given: { key, text, origin: variable } };
    return { refused: { key, reason: `${variable} is passed over: it must be ${expects}` } };
  }
  return undefined;
}
