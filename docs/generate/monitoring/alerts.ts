import { parse } from "yaml";
import { z } from "zod";
import { code, table } from "../markdown.ts";

const Rules = z.object({
  groups: z.array(z.object({
    rules: z.array(z.union([
      z.object({
        alert: z.string(),
        for: z.string().default("0m"),
        labels: z.object({ severity: z.string() }),
        annotations: z.object({ summary: z.string() }),
      }),
      z.object({ record: z.string(), expr: z.string() }),
    ])),
  })),
});

/** What an operator begins with: the four matters that the project's owner asked for. */
const FIRST = ["BrokkrHttpErrors", "BrokkrAgentDisconnected", "BrokkrDatabaseLatency", "BrokkrAgentKubernetesErrors"];

/** Tables of the alerts of some rule files, each with a link to its runbook: four to begin with, and the others. */
export function alertsText(files: readonly string[]): string {
  const rules = files.flatMap((file) => Rules.parse(parse(file)).groups.flatMap(({ rules }) => rules));
  const alerts = rules.filter((rule) => "alert" in rule);
  const others = alerts.filter(({ alert }) => !FIRST.includes(alert));
  const of = (severity: string) => others.filter(({ labels }) => labels.severity === severity);
  return [
    "### The four to begin with",
    alertTable(FIRST.flatMap((name) => alerts.filter(({ alert }) => alert === name))),
    "### Others that page",
    "Their severity is `critical`.",
    alertTable(of("critical")),
    "### Others that can wait for the day",
    "Their severity is `warning`, as that of the first four.",
    alertTable(of("warning")),
  ].join("\n\n");
}

type Alert = Extract<z.infer<typeof Rules>["groups"][number]["rules"][number], { alert: string }>;

function alertTable(alerts: readonly Alert[]): string {
  const rows = alerts.map(({ alert, for: after, annotations }) => [
    `[${alert}](../how-to/answer-alerts.md#${alert.toLowerCase()})`,
    after === "0m" ? "at once" : after,
    readable(annotations.summary),
  ]);
  return table(["Alert", "After", "Says"], rows);
}

/** A summary with its actions as what they stand for: `{{ $value | humanize }}` is the value. */
function readable(summary: string): string {
  return summary
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => code(label))
    .replaceAll(/\{\{ \$value[^}]*\}\}/g, "_n_");
}
