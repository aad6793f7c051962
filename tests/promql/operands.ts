import { type Part, partOfKind, readPromql } from "../../docs/generate/promql.ts";

const COMPARISONS = ["Eql", "Neq", "Gtr", "Gte", "Lss", "Lte", "And", "Or", "Unless"];

/**
 * What an expression compares, each by itself: of `rate(a[5m]) > 1 and b == 0` it is `rate(a[5m])`, `1`, `b` and `0`.
 * The whole answers only while something is wrong; its operands answer whenever there is anything to look at. What is
 * summed or counted of those that compare so is taken apart, too: there may be none.
 */
export function operandsOf(promql: string): readonly string[] {
  const read = readPromql(promql);
  if ("faults" in read) throw new Error(`Cannot read "${promql}": ${read.faults.join(", ")}`);
  return read.parts.filter(({ kind }) => kind !== "LineComment").flatMap(operands);
}

function operands(part: Part): readonly string[] {
  if (part.kind === "ParenExpr") return part.parts.flatMap(operands);
  if (isComparison(part)) {
    const [left, right] = [part.parts.at(0), part.parts.at(-1)];
    return [left, right].flatMap((side) => side === undefined ? [] : operands(side));
  }
  const body = partOfKind(part, "FunctionCallBody");
  const name = partOfKind(part, "FunctionIdentifier")?.text;
  const isOfSome = part.kind === "AggregateExpr" && body?.parts.some(isComparison) === true;
  return body !== undefined && (name === "absent" || isOfSome) ? body.parts.flatMap(operands) : [part.text];
}

function isComparison(part: Part): boolean {
  return COMPARISONS.some((kind) => partOfKind(part, kind) !== undefined);
}
