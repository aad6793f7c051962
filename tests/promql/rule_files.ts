import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

const Alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  keep_firing_for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(["warning", "critical"]) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string() }),
});
const Recording = z.strictObject({
  record: z.string().regex(/^brokkr:\w+:\w+$/),
  expr: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
});
const RuleFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(z.union([Alert, Recording])) })),
});

/** An alert rule, with the file that has it. */
export interface AlertRule extends z.infer<typeof Alert> {
  readonly path: string;
}

/** A rule that records what an expression answers under a name, with the file that has it. */
export interface RecordingRule extends z.infer<typeof Recording> {
  readonly path: string;
}

const ROOT = new URL("../../", import.meta.url);

/** The paths of the charts' files in a folder of theirs, such as `charts/brokkr-agent/rules/brokkr-agent.yaml`. */
export function chartFiles(folder: "rules" | "dashboards"): readonly string[] {
  const charts = [...Deno.readDirSync(new URL("charts/", ROOT))].filter(({ isDirectory }) => isDirectory);
  const paths = charts.flatMap(({ name }) => filesIn(`charts/${name}/${folder}`));
  return paths.sort();
}

function filesIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(new URL(`${path}/`, ROOT))].map(({ name }) => `${path}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The text of a file of the repository. */
export function readFile(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/**
 * Every alert rule of both charts.
 *
 * @throws {z.ZodError} When a file is no rule file as ours are: each alert with a severity, a summary and a
 * description, and with no URL of a runbook: where that is to be read, only who installs knows.
 */
export function alertRules(): readonly AlertRule[] {
  return allRules().filter((rule) => "alert" in rule);
}

/** Every recording rule of both charts, each after those that it reads. */
export function recordingRules(): readonly RecordingRule[] {
  return allRules().filter((rule) => "record" in rule);
}

/**
 * How a file of `promtool test rules` names the charts' rules: groups in their order, so that alerts see what is
 * recorded.
 */
export interface TestedRules {
  readonly rule_files: readonly string[];
  readonly group_eval_order: readonly string[];
}

/** All rules of both charts, for a test file at any place. */
export function testedRules(): TestedRules {
  return {
    rule_files: chartFiles("rules").map((path) => fileURLToPath(new URL(path, ROOT))),
    group_eval_order: allGroups().map(({ name }) => name),
  };
}

function allRules(): readonly (AlertRule | RecordingRule)[] {
  return allGroups().flatMap(({ path, rules }) => rules.map((rule) => ({ path, ...rule })));
}

function allGroups() {
  return chartFiles("rules").flatMap((path) =>
    RuleFile.parse(parse(readFile(path))).groups.map((group) => ({ path, ...group }))
  );
}
