import ts from "typescript";
import { lineOf, type Source, type Violation, walk } from "./source.ts";

/** Lines a file may have. */
export const FILE_MAX_LINES = 400;
/** Lines a function may have. */
export const FUNCTION_MAX_LINES = 80;

/** Files and functions that are too long to be one idea. */
export function budgetViolations(source: Source): Violation[] {
  return [...fileViolations(source), ...functionViolations(source)];
}

function fileViolations({ path, text }: Source): Violation[] {
  const lines = text.split("\n").length - 1;
  if (lines <= FILE_MAX_LINES) return [];
  const message =
    `has ${lines} lines, more than ${FILE_MAX_LINES}: a file is one idea; find the two in it and split it`;
  return [{ path, line: 1, message }];
}

function functionViolations(source: Source): Violation[] {
  const violations: Violation[] = [];
  walk(source, (node) => {
    if (!isFunction(node)) return;
    const first = lineOf(source, node);
    const last = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    const lines = last - first + 1;
    if (lines <= FUNCTION_MAX_LINES) return;
    const message = `a function has ${lines} lines, more than ${FUNCTION_MAX_LINES}: it does several things; name each`;
    violations.push({ path: source.path, line: first, message });
  });
  return violations;
}

function isFunction(node: ts.Node): boolean {
  return ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node);
}
