import type { Declaration, LabelSets } from "$lib/metrics.ts";
import { REGISTRY_METRICS } from "$lib/metrics.ts";
import { AGENT_METRICS } from "../../agent/metrics.ts";
import { DATABASE_METRICS, HTTP_METRICS, STORE_METRICS } from "../../broker/metrics.ts";
import { code, GENERATED, table } from "./markdown.ts";

/** The page of every metric of both programs. */
export function monitoringPage(): string {
  return `${GENERATED}

# Monitoring

For whoever runs Prometheus. Both programs serve \`/metrics\` in the text format 0.0.4 and in OpenMetrics 1.0.0, by the
\`Accept\` header; \`Accept-Encoding: gzip\` compresses. The broker's page is at port 3000, the agent's at port 8080.
\`metrics.enabled = false\` switches it off in either program: no route, nothing collected. Instruments belong to an
OpenTelemetry meter provider, so nothing here binds you to a vendor:
[Prometheus now, OTLP and tracing to come](../../decisions/0001-telemetry-in-three-phases.md).

\`\`\`yaml
scrape_configs:
  - job_name: brokkr-broker
    scrape_interval: 30s
    static_configs: [{ targets: ["broker.example:3000"] }]
  - job_name: brokkr-agent
    scrape_interval: 30s
    static_configs: [{ targets: ["agent.example:8080"] }]
\`\`\`

Label values are closed sets, never an id or a name. Series whose labels are all closed start at 0; those of HTTP appear
with their first request. Gauges of the store are read by a background job on every replica and leave the page when that
fails: aggregate them with \`max without (instance, pod)\`, never \`sum\`.

## Broker

${catalogue({ ...HTTP_METRICS, ...DATABASE_METRICS, ...STORE_METRICS })}

## Agent

${catalogue(AGENT_METRICS)}

## Both

${catalogue(REGISTRY_METRICS)}
`;
}

function catalogue(declarations: Readonly<Record<string, Declaration>>): string {
  const rows = Object.values(declarations).map((
    { name, type, labels, help },
  ) => [code(name), type, labelsText(labels), help]);
  return table(["Name", "Type", "Labels", "Meaning"], rows);
}

function labelsText(labels: LabelSets): string {
  const texts = Object.entries(labels).map(([name, values]) =>
    values === "text" ? code(name) : `${code(name)} = ${values.join(", ")}`
  );
  return texts.length === 0 ? "–" : texts.join("; ");
}
