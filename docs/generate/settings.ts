import { flagOf, type Setting, SHARED_SETTINGS, variableOf } from "$lib/settings.ts";
import { AGENT_SETTINGS } from "../../agent/settings.ts";
import { SETTINGS as BROKER_SETTINGS } from "../../broker/settings.ts";
import { code, GENERATED, paragraph } from "./markdown.ts";

/** The page of every setting of both programs. */
export function settingsPage(): string {
  const shared = new Set(SHARED_SETTINGS.map(({ key }): string => key));
  const own = (settings: readonly Setting[]) => settings.filter(({ key }) => !shared.has(key));
  return `${GENERATED}

# Settings

For whoever runs the broker or the agent. A value comes from the first of: a flag, an environment variable, the TOML
file that \`BROKKR_CONFIG_FILE\` names, a variable of OpenTelemetry's where one is named, the default. A program does not
start with bad values or unknown names; it lists them all, with where each came from. One file or environment can serve
both programs: each ignores the other's sections. Lists are comma-separated; durations are in seconds.
\`--print-settings\` shows every value and its source, with secrets masked.

A variable of OpenTelemetry's is often set for every program of a cluster at once. So one that can't be used never stops
a start: it switches off what it is about, with one warning, and \`--print-settings\` says so. \`OTEL_SDK_DISABLED=true\`
switches off all that is sent, \`OTEL_EXPORTER_OTLP_PROTOCOL\` must be \`http/protobuf\` where it is set, and neither has
any bearing on \`/metrics\`. Those of certificates, compression and time count for one signal, too, before those of all:
\`OTEL_EXPORTER_OTLP_TRACES_TIMEOUT\`; \`--print-settings\` shows them beside the setting. A signal is asked for where
\`otlp\` is in \`OTEL_METRICS_EXPORTER\`, \`OTEL_TRACES_EXPORTER\` or \`OTEL_LOGS_EXPORTER\`, and switched off where others
alone are, such as \`none\`; where it is sent an endpoint says, and there is no default for that. \`OTEL_SERVICE_NAME\` and
\`OTEL_RESOURCE_ATTRIBUTES\` say what all telemetry is about. Traces go on by W3C Trace Context alone, whatever
\`OTEL_PROPAGATORS\` says; baggage does not go on.

Other variables of OpenTelemetry's are not read: \`OTEL_BSP_*\`, \`OTEL_BLRP_*\`, limits of spans, lines and attributes,
\`OTEL_METRIC_EXPORT_TIMEOUT\`, \`OTEL_METRICS_EXEMPLAR_FILTER\`, \`OTEL_EXPORTER_PROMETHEUS_*\`, \`OTEL_LOG_LEVEL\`,
\`OTEL_CONFIG_FILE\`, \`OTEL_EXPORTER_OTLP_INSECURE\` (the endpoint's \`http\` or \`https\` says it) and
\`OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION\` (histograms have their declared bounds).

## Both programs

${settingsText(SHARED_SETTINGS)}

## Broker

${settingsText(own(BROKER_SETTINGS))}

## Agent

${settingsText(own(AGENT_SETTINGS))}

## Read next

The [monitoring reference](monitoring.md), [security](../explanation/security.md).
`;
}

/** Each under a heading of its own, so that it can be linked to. */
function settingsText(settings: readonly Setting[]): string {
  return settings.map((setting) =>
    [`### ${code(setting.key)}`, paragraph(sourcesOf(setting)), paragraph(meaningOf(setting))].join("\n\n")
  ).join("\n\n");
}

function sourcesOf({ key, required, default: value, fallbacks = [] }: Setting): string {
  const names = [flagOf(key), variableOf(key), ...fallbacks.map(({ variable }) => variable)].map(code).join(", ");
  if (required === true) return `${names}. Required.`;
  return value === undefined || value === "" ? `${names}.` : `${names}. By default ${code(String(value))}.`;
}

function meaningOf({ help, type, secret }: Setting): string {
  return `${help} Must be ${type.expects}.${secret === true ? " Secret." : ""}`;
}
