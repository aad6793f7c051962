import { z } from "zod";
import { allDeclarations } from "../../docs/generate/catalogue.ts";
import { alertRules, chartFiles, readFile, recordingRules } from "./rule_files.ts";

/** A PromQL expression that somebody may paste or that a program may send. */
export interface Expression {
  /** The file, and what in it: `charts/…/brokkr-agent.yaml: BrokkrAgentDown`. */
  readonly where: string;
  /** As it is written: a dashboard's has Grafana's variables in it. */
  readonly promql: string;
}

const Panel = z.object({
  title: z.string(),
  targets: z.array(z.object({ expr: z.string() })).default([]),
});
const Dashboard = z.object({
  panels: z.array(Panel.extend({ panels: z.array(Panel).default([]) })),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.string(), definition: z.string().default("") })),
  }),
});

/** Every expression of the repository: recording and alert rules, dashboards, declarations' examples and documents. */
export async function allExpressions(): Promise<readonly Expression[]> {
  return [
    ...recordingRules().map(({ path, record, expr }) => ({ where: `${path}: ${record}`, promql: expr })),
    ...alertRules().map(({ path, alert, expr }) => ({ where: `${path}: ${alert}`, promql: expr })),
    ...chartFiles("dashboards").flatMap((path) => dashboardExpressions(path, readFile(path))),
    ...exampleExpressions(),
    ...(await documents()).flatMap((path) => documentExpressions(path, readFile(path))),
  ];
}

/** The queries of a dashboard's panels, and the selectors of its variables. */
export function dashboardExpressions(path: string, text: string): readonly Expression[] {
  const { panels, templating } = Dashboard.parse(JSON.parse(text));
  const queries = panels.flatMap((panel) => [panel, ...panel.panels]).flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ where: `${path}: ${title}`, promql: expr }))
  );
  const variables = templating.list.filter(({ type }) => type === "query").map(({ name, definition }) => ({
    where: `${path}: variable ${name}`,
    promql: variableQuery(definition),
  }));
  return [...queries, ...variables];
}

/** `label_values(selector, label)` is Grafana's; this asks Prometheus the same. */
function variableQuery(definition: string): string {
  const [, selector, label] = /^label_values\((.+), *(\w+)\)$/.exec(definition) ?? [];
  return selector === undefined ? definition : `group by (${label}) (${selector})`;
}

function exampleExpressions(): readonly Expression[] {
  return allDeclarations().flatMap(({ name, example }) =>
    example === undefined ? [] : [{ where: `the example of ${name}`, promql: example }]
  );
}

/** What stands in the `promql` code blocks of a Markdown document. */
export function documentExpressions(path: string, text: string): readonly Expression[] {
  const blocks = [...text.matchAll(/^ *```promql\n(.*?)^ *```/gms)];
  return blocks.map(({ 1: promql = "", index }) => ({
    where: `${path}:${text.slice(0, index).split("\n").length}`,
    promql,
  }));
}

async function documents(): Promise<readonly string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd: new URL("../../", import.meta.url),
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
}
