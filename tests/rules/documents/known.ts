import agentValues from "../../../charts/brokkr-agent/values.schema.json" with { type: "json" };
import brokerValues from "../../../charts/brokkr-broker/values.schema.json" with { type: "json" };
import { flagOf, type Setting, variableOf } from "$lib/settings.ts";
import project from "../../../deno.json" with { type: "json" };
import { COMMANDS as AGENT_COMMANDS, START } from "../../../agent/commands/mod.ts";
import { AGENT_DECLARATIONS } from "../../../agent/settings.ts";
import { CLIENT_COMMANDS } from "../../../broker/commands/client/commands.ts";
import type { Flag } from "../../../broker/commands/client/declaration.ts";
import { CONNECTION_FLAGS } from "../../../broker/commands/client/flags.ts";
import { COMMANDS as BROKER_COMMANDS, SERVE } from "../../../broker/commands/mod.ts";
import { ENDPOINTS } from "../../../broker/http/endpoints.ts";
import { DECLARATIONS as BROKER_DECLARATIONS } from "../../../broker/settings.ts";
import { allDeclarations } from "../../../docs/generate/catalogue.ts";

/** Everything that a document may name, as the code has it. */
export interface Known {
  readonly tasks: ReadonlySet<string>;
  /** Settings, and the charts' values, which are written the same way. */
  readonly settings: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
  readonly flags: ReadonlySet<string>;
  readonly metrics: ReadonlySet<string>;
  /** What a program can be told to do, by its name. */
  readonly commands: ReadonlyMap<string, readonly string[]>;
  /** The paths of the API, `{id}` standing for one segment. */
  readonly endpoints: readonly string[];
}

const BESIDE_SETTINGS = {
  flags: ["--print-settings", "--help"],
  variables: ["BROKKR_CONFIG_FILE", "BROKKR_URL", "BROKKR_PAK"],
};
const SERVED_BESIDE = ["/healthz", "/readyz", "/metrics", "/console", "/docs", "/docs/openapi.json"];
const SERVED_BY_PROMETHEUS = ["/api/v1/query", "/api/v1/alerts", "/api/v1/otlp", "/api/v1/otlp/v1/metrics"];
const HISTOGRAM_SUFFIXES = ["_bucket", "_sum", "_count"];

/** Reads what there is from the declarations that the programs themselves use. */
export function known(): Known {
  const settings: readonly Setting[] = [...BROKER_DECLARATIONS.settings, ...AGENT_DECLARATIONS.settings];
  const declared = [...BROKER_COMMANDS, ...AGENT_COMMANDS].flatMap(({ options }) => options);
  const options = [...declared, ...CONNECTION_FLAGS, ...CLIENT_COMMANDS.flatMap(({ options }) => options)];
  const variables = CONNECTION_FLAGS.flatMap((one: Flag) => one.variable ?? []);
  return {
    tasks: new Set(Object.keys(project.tasks)),
    settings: new Set([...settings.map(({ key }) => key), ...valuesOf(brokerValues), ...valuesOf(agentValues)]),
    variables: new Set([...settings.map(({ key }) => variableOf(key)), ...variables, ...BESIDE_SETTINGS.variables]),
    flags: new Set([...[...settings, ...options].map(({ key }) => flagOf(key)), ...BESIDE_SETTINGS.flags]),
    metrics: new Set(allDeclarations().flatMap(({ name, type }) => type === "histogram" ? withSuffixes(name) : [name])),
    commands: new Map([
      ["brokkr-broker", [SERVE, ...BROKER_COMMANDS, ...CLIENT_COMMANDS].map(({ words }) => words)],
      ["brokkr-agent", [START, ...AGENT_COMMANDS].map(({ words }) => words)],
    ]),
    endpoints: [...ENDPOINTS.map(({ path }) => path), ...SERVED_BESIDE, ...SERVED_BY_PROMETHEUS],
  };
}

function withSuffixes(name: string): string[] {
  return [name, ...HISTOGRAM_SUFFIXES.map((suffix) => `${name}${suffix}`)];
}

interface ValueSchema {
  readonly description?: string;
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
}

/** The names of a chart's values, dotted. */
function valuesOf({ properties = {} }: ValueSchema): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => [
    name,
    ...valuesOf(schema).map((inner) => `${name}.${inner}`),
  ]);
}
