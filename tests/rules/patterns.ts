import ts from "typescript";
import type { CheckPattern } from "../pattern_checker/checker.ts";
import { isTest, lineOf, type Source, type Violation, walk } from "./source.ts";

const WHY = "what comes from outside may be a megabyte long, and one request must not stop everybody";

const REPEATS = /[*+]|,\}/;

/** Patterns of the programs that take more than linear time over some text, or of which nobody can tell. */
export function patternViolations(check: CheckPattern): (source: Source) => Violation[] {
  return (source) =>
    patternsOf(source).flatMap(({ line, text }) => violation(check, text, { path: source.path, line }));
}

interface Pattern {
  readonly line: number;
  /** As written, with slashes and flags; undefined where it is made of parts. */
  readonly text: string | undefined;
}

function patternsOf(source: Source): Pattern[] {
  const patterns: Pattern[] = [];
  if (isTest(source.path) || source.path.startsWith("docs/")) return patterns;
  walk(source, (node) => {
    const line = lineOf(source, node);
    if (ts.isRegularExpressionLiteral(node)) patterns.push({ line, text: node.text });
    if (isMadeOfParts(node)) patterns.push({ line, text: undefined });
  });
  return patterns;
}

/** Whether a pattern is put together here; a copy of one that has a name is not. */
function isMadeOfParts(node: ts.Node): boolean {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return false;
  const [pattern] = node.arguments ?? [];
  return ts.isIdentifier(node.expression) && node.expression.text === "RegExp" &&
    !(pattern !== undefined && ts.isIdentifier(pattern));
}

function violation(check: CheckPattern, text: string | undefined, place: Omit<Violation, "message">): Violation[] {
  if (text === undefined) {
    return [{ ...place, message: "makes a pattern of parts: write it as one that can be checked" }];
  }
  if (!REPEATS.test(text)) return []; // what can't repeat without end takes the same for every place it begins at
  const end = text.lastIndexOf("/");
  const { status, attack } = check(text.slice(1, end), text.slice(end + 1));
  if (status === "safe") return [];
  const how = attack === undefined ? "nobody can tell what it costs" : `is more than linear over ${attack.pattern}`;
  return [{ ...place, message: `${text}: ${how}: ${WHY}` }];
}
