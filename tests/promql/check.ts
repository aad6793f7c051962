import { findParts, type Part, partOfKind, readPromql } from "../../docs/generate/promql.ts";
import { type KnownMetric, OUTSIDE_LABELS, type Vocabulary } from "./vocabulary.ts";

/** What a check found: what is wrong with an expression, and which labels its result may have. */
export interface Verdict {
  readonly faults: readonly string[];
  readonly labels: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();
const WANT_COUNTERS = ["rate", "irate", "increase", "resets"];

/** Reads an expression as strictly as the catalogue allows: metrics, labels and label values must all be declared. */
export function checkPromql(expression: string, vocabulary: Vocabulary): Verdict {
  const read = readPromql(expression);
  if ("faults" in read) return { faults: read.faults, labels: NOTHING };
  const check = new Check(vocabulary);
  const labels = check.labelsOf(read, []);
  return { faults: [...new Set(check.faults)], labels };
}

/** One walk over an expression; `above` are the parts around the one in hand, the innermost last. */
class Check {
  readonly faults: string[] = [];
  readonly #vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  labelsOf(part: Part, above: readonly Part[]): ReadonlySet<string> {
    const around = [...above, part];
    switch (part.kind) {
      case "VectorSelector":
        return this.#selector(part, above);
      case "AggregateExpr":
        return this.#aggregation(part, around);
      case "FunctionCall":
        return this.#call(part, around);
      case "BinaryExpr":
        return this.#binary(part, around);
      default:
        return this.#all(part.parts, around);
    }
  }

  #all(parts: readonly Part[], above: readonly Part[]): ReadonlySet<string> {
    return new Set(parts.flatMap((part) => [...this.labelsOf(part, above)]));
  }

  #selector(part: Part, above: readonly Part[]): ReadonlySet<string> {
    const name = partOfKind(part, "Identifier")?.text;
    const metric = name === undefined ? undefined : this.#vocabulary.get(name);
    if (name === undefined || metric === undefined) {
      this.faults.push(name === undefined ? `"${part.text}" names no metric` : `"${name}" is not declared`);
      return new Set(OUTSIDE_LABELS);
    }
    const matchers = findParts(part, "UnquotedLabelMatcher");
    for (const matcher of matchers) this.faults.push(...matcherFaults(matcher, { name, metric }));
    this.faults.push(...useFaults({ name, metric }, above));
    return new Set(metric.labels.keys());
  }

  #aggregation(part: Part, around: readonly Part[]): ReadonlySet<string> {
    const body = partOfKind(part, "FunctionCallBody");
    const inner = body === undefined ? NOTHING : this.labelsOf(body, around);
    const modifier = partOfKind(part, "AggregateModifier");
    if (modifier === undefined) return NOTHING;
    const named = this.#named(modifier, inner);
    return partOfKind(modifier, "By") === undefined ? new Set([...inner].filter((one) => !named.has(one))) : named;
  }

  /** The labels of a clause, which must all be among those that there are. */
  #named(clause: Part, there: ReadonlySet<string>): ReadonlySet<string> {
    const named = findParts(clause, "LabelName").map(({ text }) => text);
    const outside: readonly string[] = OUTSIDE_LABELS;
    for (const label of named) {
      if (!there.has(label) && !outside.includes(label)) {
        this.faults.push(`"${clause.text}" names the label "${label}", which nothing here has`);
      }
    }
    return new Set(named);
  }

  #call(part: Part, around: readonly Part[]): ReadonlySet<string> {
    const name = partOfKind(part, "FunctionIdentifier")?.text ?? "";
    const labels = this.#all(part.parts, around);
    if (name === "label_replace" || name === "label_join") return new Set([...labels, madeBy(part)]);
    if (name === "absent" || name === "absent_over_time") return equalTo(part);
    return name === "histogram_quantile" ? new Set([...labels].filter((one) => one !== "le")) : labels;
  }

  #binary(part: Part, around: readonly Part[]): ReadonlySet<string> {
    const [left = NOTHING, right = NOTHING] = part.parts.filter(isOperand).map((side) => this.labelsOf(side, around));
    const modifier = partOfKind(part, "MatchingModifierClause");
    const both = new Set([...left, ...right]);
    if (modifier !== undefined) this.#named(modifier, both);
    return partOfKind(part, "Or") === undefined && left.size > 0 ? left : both;
  }
}

function isOperand({ kind }: Part): boolean {
  return /Expr$|Selector$|^FunctionCall$|Literal$/.test(kind);
}

/** The label that a call makes: the first text among its own arguments. */
function madeBy(call: Part): string {
  const [body] = findParts(call, "FunctionCallBody");
  return JSON.parse((body && partOfKind(body, "StringLiteral"))?.text ?? '""');
}

function equalTo(part: Part): ReadonlySet<string> {
  const matchers = findParts(part, "UnquotedLabelMatcher").filter((one) => findParts(one, "EqlSingle").length > 0);
  return new Set(matchers.map((one) => partOfKind(one, "LabelName")?.text ?? ""));
}

interface Named {
  readonly name: string;
  readonly metric: KnownMetric;
}

function matcherFaults(matcher: Part, { name, metric }: Named): string[] {
  const label = partOfKind(matcher, "LabelName")?.text ?? "";
  const values = metric.labels.get(label);
  if (values === undefined) return [`"${name}" has no label "${label}"`];
  const wanted: unknown = JSON.parse(partOfKind(matcher, "StringLiteral")?.text ?? '""');
  if (values === "text" || typeof wanted !== "string") return [];
  const isPattern = partOfKind(matcher, "MatchOp")?.text.includes("~") ?? false;
  const pieces = isPattern ? wanted.split("|") : [wanted];
  const unknown = pieces.filter((piece) =>
    !values.some((value) => isPattern ? matches(piece, value) : piece === value)
  );
  return unknown.map((piece) => `"${name}" has no ${label} "${piece}": it is one of ${values.join(", ")}`);
}

/** Whether a pattern without alternatives fits the whole value, as Prometheus anchors it. */
function matches(pattern: string, value: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(value);
}

function useFaults({ name, metric }: Named, above: readonly Part[]): string[] {
  const calls = above.map((part) => partOfKind(part, "FunctionIdentifier")?.text ?? "");
  const call = calls.find((one) => WANT_COUNTERS.includes(one));
  const faults = call !== undefined && !metric.isCounter ? [`${call}() of "${name}", which is a gauge`] : [];
  if (!metric.isOfStore || calls.includes("absent")) return faults;
  const innermost = above.findLast(({ kind }) => kind === "AggregateExpr")?.text ?? "";
  return isOverReplicas(innermost)
    ? faults
    : [...faults, `"${name}" is on every replica's page: write "max without (instance, pod) (${name}…)"`];
}

/** Whether it takes the replicas of a release together, whose labels differ in these two. */
function isOverReplicas(aggregation: string): boolean {
  if (/^max without ?\((instance, pod|pod, instance)[,)]/.test(aggregation)) return true;
  const [, kept] = /^max by ?\(([^)]*)\)/.exec(aggregation) ?? [];
  return kept !== undefined && !/\b(instance|pod)\b/.test(kept);
}
