import { VERSION } from "$lib/program/version.ts";
import { allDeclarations } from "../catalogue.ts";
import { fleetDashboard } from "../dashboards/fleet.ts";
import { healthDashboard } from "../dashboards/health.ts";
import type { Dashboard } from "../dashboards/panel.ts";
import { GENERATED, paragraph } from "../markdown.ts";
import { alertsText } from "./alerts.ts";
import { cardinalityText } from "./cardinality.ts";
import { bucketsText, catalogueText } from "./catalogue.ts";

const ROOT = new URL("../../../", import.meta.url);
const RULES = {
  broker: "charts/brokkr-broker/rules/brokkr-broker.yaml",
  agent: "charts/brokkr-agent/rules/brokkr-agent.yaml",
};

/**
 * The page of everything that Prometheus and Grafana get: prose from `page.template`, the rest from declarations and
 * rule files.
 *
 * @throws When the template has a place that nothing fills, or lacks one.
 */
export async function monitoringPage(): Promise<string> {
  const [template, broker, agent] = await Promise.all(
    ["docs/generate/monitoring/page.template", RULES.broker, RULES.agent].map(read),
  );
  return filled(template ?? "", {
    generated: GENERATED,
    version: VERSION,
    catalogue: catalogueText(),
    buckets: bucketsText(allDeclarations()),
    cardinality: cardinalityText(),
    alerts: alertsText([broker ?? "", agent ?? ""]),
    dashboards: dashboardsText(),
  });
}

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

function filled(template: string, texts: Readonly<Record<string, string>>): string {
  const left = new Set(Object.keys(texts));
  const page = template.replaceAll(/\{\{([a-z ]+)\}\}/g, (_, place: string) => {
    const text = texts[place];
    if (text === undefined) throw new Error(`Cannot write monitoring.md: nothing fills "{{${place}}}"`);
    left.delete(place);
    return text;
  });
  if (left.size > 0) throw new Error(`Cannot write monitoring.md: its template lacks ${[...left].join(", ")}`);
  return page;
}

function dashboardsText(): string {
  const dashboards = [
    ["charts/brokkr-broker/dashboards/fleet.json", fleetDashboard()],
    ["charts/brokkr-broker/dashboards/broker-health.json", healthDashboard("broker")],
    ["charts/brokkr-agent/dashboards/agent-health.json", healthDashboard("agent")],
  ] satisfies [string, Dashboard][];
  return dashboards.map(([path, { title, description, rows }]) => {
    const name = `[${title.replace("Brokkr / ", "")}](../../../${path})`;
    const titles = rows.map((row) => row.title).join(", ");
    return `### ${name}\n\n${paragraph(`${description} Its rows: ${titles}.`)}`;
  }).join("\n\n");
}
