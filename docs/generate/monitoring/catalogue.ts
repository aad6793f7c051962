import { type Declaration, type LabelSets, REGISTRY_METRICS } from "$lib/metrics.ts";
import { PROCESS_METRICS } from "$lib/process_metrics.ts";
import { TELEMETRY_METRICS } from "$lib/telemetry/outcomes.ts";
import { AGENT_METRICS } from "../../../agent/metrics.ts";
import { BROKER_METRICS } from "../../../broker/metrics.ts";
import { code, paragraph } from "../markdown.ts";

/** Titles of the broker's parts; a part without one does not compile. */
const BROKER_TITLES: Readonly<Record<keyof typeof BROKER_METRICS, string>> = {
  http: "Requests",
  auth: "Keys",
  database: "Database",
  store: "Agents, stacks and deliveries, as the database has them",
  delivery: "Time of deliveries",
  counted: "Counted once in all replicas",
  settling: "Settling: what was submitted, and is not yet what agents are told",
  jobs: "Jobs",
};

/** Every family with its type, labels and meaning, and a query for each. */
export function catalogueText(): string {
  const parts = Object.keys(BROKER_METRICS) as (keyof typeof BROKER_METRICS)[];
  return [
    "## The broker's metrics",
    ...parts.map((part) => `### ${BROKER_TITLES[part]}\n\n${familiesText(Object.values(BROKER_METRICS[part]))}`),
    "## The agent's metrics",
    familiesText(Object.values(AGENT_METRICS)),
    "## Metrics of both programs",
    familiesText([...Object.values(PROCESS_METRICS), ...Object.values(REGISTRY_METRICS)]),
    "### While telemetry is sent by OTLP",
    familiesText(Object.values(TELEMETRY_METRICS)),
  ].join("\n\n");
}

/** The bounds of every histogram, those that have the same together. */
export function bucketsText(declarations: readonly Declaration[]): string {
  const named = Map.groupBy(
    declarations.filter((one) => one.type === "histogram"),
    ({ buckets }) => buckets.join(" "),
  );
  return [...named].map(([bounds, those]) => paragraph(`${bounds}: ${those.map(({ name }) => code(name)).join(", ")}.`))
    .join("\n\n");
}

function familiesText(declarations: readonly Declaration[]): string {
  return declarations.map(({ name, type, labels, help, example }) =>
    [
      `#### ${code(name)}`,
      paragraph(`${help} A ${type}${labelsText(labels)}.`),
      ...(example === undefined ? [] : [`\`\`\`promql\n${example}\n\`\`\``]),
    ].join("\n\n")
  ).join("\n\n");
}

function labelsText(labels: LabelSets): string {
  const texts = Object.entries(labels).map(([name, values]) =>
    values === "text" ? code(name) : `${code(name)} = ${values.join(", ")}`
  );
  return texts.length === 0 ? "" : `, by ${texts.join("; by ")}`;
}
