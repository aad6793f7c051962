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

/** A table of the alerts of some rule files, each with a link to its runbook. */
export function alertsText(files: readonly string[]): string {
  const rules = files.flatMap((file) => Rules.parse(parse(file)).groups.flatMap(({ rules }) => rules));
  const rows = rules.filter((rule) => "alert" in rule).map(({ alert, for: after, labels, annotations }) => [
    `[${alert}](../how-to/answer-alerts.md#${alert.toLowerCase()})`,
    labels.severity,
    after === "0m" ? "at once" : after,
    readable(annotations.summary),
  ]);
  return table(["Alert", "Severity", "After", "Says"], rows);
}

/** A summary with its actions as what they stand for: `{{ $value | humanize }}` is the value. */
function readable(summary: string): string {
  return summary
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => code(label))
    .replaceAll(/\{\{ \$value[^}]*\}\}/g, "_n_");
}
