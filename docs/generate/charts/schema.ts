import { type Setting, variableOf } from "$lib/settings.ts";
import { AGENT_SETTINGS } from "../../../agent/settings.ts";
import { SETTINGS as BROKER_SETTINGS } from "../../../broker/settings.ts";

/** The charts, by their folder's name, each with the settings of the program that it installs. */
export const CHARTS: Readonly<Record<ChartName, readonly Setting[]>> = {
  "brokkr-broker": BROKER_SETTINGS,
  "brokkr-agent": AGENT_SETTINGS,
};

/** A chart, as its folder is called. */
export type ChartName = "brokkr-broker" | "brokkr-agent";

/** The part of JSON Schema that the charts' values are described in. */
export interface ValueSchema {
  readonly type: string | readonly string[];
  readonly description: string;
  readonly default?: unknown;
  /** What it may look like, where the default is empty or says too little. */
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly additionalProperties?: unknown;
}

const CHARTS_FOLDER = new URL("../../../charts/", import.meta.url);
const SETTINGS_HELP =
  "All other settings of the program, named as in its settings file; the settings reference lists them.";

/** A chart's whole schema: what was written by hand, with `settings` made from what the program declares. */
export async function completeSchema(chart: ChartName): Promise<ValueSchema> {
  const byHand: ValueSchema = JSON.parse(
    await Deno.readTextFile(new URL(`${chart}/values.schema.json`, CHARTS_FOLDER)),
  );
  const named = await variablesIn(chart);
  const free = CHARTS[chart].filter((one) => one.secret !== true && !named.has(variableOf(one.key)));
  const { global, ...properties } = byHand.properties ?? {};
  return {
    ...byHand,
    properties: { ...properties, settings: settingsSchema(free), ...(global === undefined ? {} : { global }) },
  };
}

/** The environment variables that a chart's templates give by themselves. */
export async function variablesIn(chart: ChartName): Promise<ReadonlySet<string>> {
  const folder = new URL(`${chart}/templates/`, CHARTS_FOLDER);
  const found = new Set<string>();
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !/\.(yaml|tpl)$/.test(name)) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    for (const [variable] of text.matchAll(/\bBROKKR__[A-Z_]*[A-Z]\b/g)) found.add(variable);
  }
  return found;
}

function settingsSchema(settings: readonly Setting[]): ValueSchema {
  const sections = Map.groupBy(settings, ({ key }) => key.slice(0, key.indexOf(".")));
  const properties = [...sections].map(([section, settings]) => [section, sectionSchema(section, settings)]);
  return {
    type: "object",
    description: SETTINGS_HELP,
    default: {},
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function sectionSchema(section: string, settings: readonly Setting[]): ValueSchema {
  const properties = settings.map((one) => [one.key.slice(section.length + 1), settingSchema(one)]);
  return {
    type: "object",
    description: `The settings that begin with \`${section}.\`.`,
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function settingSchema({ help, type, default: value }: Setting): ValueSchema {
  const shown = value === undefined || value === "" ? "" : ` The program's default is \`${value}\`.`;
  return { type: jsonTypeOf({ type, default: value }), description: `${help} Must be ${type.expects}.${shown}` };
}

/** What a value of the setting is in JSON: seen from what it becomes when a likely text is read. */
function jsonTypeOf({ type, default: value }: Pick<Setting, "type" | "default">): string | readonly string[] {
  const likely = [...(value === undefined ? [] : [String(value)]), "true", "1"];
  const read = likely.flatMap((text) => type.parse(text) ?? [])[0]?.value;
  if (Array.isArray(read)) return ["string", "array"];
  return typeof read === "number" || typeof read === "boolean" ? typeof read : "string";
}
