import { parse } from "yaml";
import { z } from "zod";
import { findParts, type Part, partOfKind, readPromql } from "../promql.ts";

const ROOT = new URL("../../../", import.meta.url);
const RULE_FILES = [
  "charts/brokkr-broker/rules/brokkr-broker.yaml",
  "charts/brokkr-agent/rules/brokkr-agent.yaml",
];
const Rules = z.object({
  groups: z.array(z.object({
    rules: z.array(z.object({
      alert: z.string().optional(),
      expr: z.string(),
      labels: z.object({ severity: z.enum(["warning", "critical"]).optional() }).default({}),
    })),
  })),
});

/** What a panel needs of an alert: the panel shows what the alert looks at, and changes its colour where it fires. */
export interface AlertSubject {
  /** The whole expression, on one line. */
  readonly expr: string;
  /** What the expression compares first: it has a value whether or not anything is wrong. */
  readonly looksAt: string;
  /** The number that it is compared with. */
  readonly threshold: number;
  readonly severity: "warning" | "critical";
}

/**
 * The subject of an alert of either chart, by the alert's name.
 *
 * @throws {Error} When no rule has the name, or its expression compares nothing with a number.
 */
export function alertSubject(name: string): AlertSubject {
  const rule = RULE_FILES.flatMap((path) =>
    Rules.parse(parse(Deno.readTextFileSync(new URL(path, ROOT)))).groups.flatMap(({ rules }) => rules)
  ).find(({ alert }) => alert === name);
  if (rule === undefined) throw new Error(`Cannot show what "${name}" looks at: no rule has that name`);
  const expr = onOneLine(rule.expr);
  const read = readPromql(expr);
  if ("faults" in read) throw new Error(`Cannot read the rule ${name}: ${read.faults.join(", ")}`);
  const [looksAt, threshold] = findParts(read, "BinaryExpr").map(comparison).find((one) => one !== undefined) ?? [];
  if (looksAt === undefined || threshold === undefined) throw new Error(`${name} compares nothing with a number`);
  return { expr, looksAt, threshold, severity: rule.labels.severity ?? "warning" };
}

function onOneLine(expr: string): string {
  return expr.replaceAll(/#.*$/gm, "").replaceAll(/\s+/g, " ").replaceAll(/([({]) | (?=[)}])/g, "$1").trim();
}

const COMPARISONS = ["Gtr", "Gte", "Eql"];

/** Both sides, when the second is a number. */
function comparison(part: Part): readonly [string, number] | undefined {
  const [left, right] = [part.parts.at(0), part.parts.at(-1)];
  if (!COMPARISONS.some((kind) => partOfKind(part, kind) !== undefined)) return undefined;
  return left === undefined || right?.kind !== "NumberDurationLiteral" ? undefined : [left.text, Number(right.text)];
}

/** The expression with the matchers in each of its selectors: `up` becomes `up{job="x"}`. */
export function withMatchers(promql: string, matchers: string): string {
  const read = readPromql(promql);
  if ("faults" in read) throw new Error(`Cannot read "${promql}": ${read.faults.join(", ")}`);
  return findParts(read, "VectorSelector").reduceRight((text, { from, text: selector }) => {
    const name = /^[\w:]+/.exec(selector)?.[0] ?? "";
    const own = selector.slice(name.length).replaceAll(/^\{|\}$/g, "");
    const all = [matchers, own].filter((one) => one !== "").join(", ");
    return `${text.slice(0, from)}${name}{${all}}${text.slice(from + selector.length)}`;
  }, promql);
}
