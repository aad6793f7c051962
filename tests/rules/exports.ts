import ts from "typescript";
import { lineOf, type Source, type Violation } from "./source.ts";

const SHORTEST_SENTENCE = 12;

/** Exports without a documenting sentence, and default exports. */
export function exportViolations(source: Source): Violation[] {
  if (source.path.endsWith("_test.ts")) return [];
  return source.tree.statements.filter(isExported).flatMap((statement) => statementViolations(source, statement));
}

function statementViolations(source: Source, statement: ts.Statement): Violation[] {
  const { path } = source;
  const line = lineOf(source, statement);
  if (ts.isExportAssignment(statement) || has(statement, ts.SyntaxKind.DefaultKeyword)) {
    return [{
      path,
      line,
      message: "has a default export: a name at its home is the name everywhere; export it by name",
    }];
  }
  if (ts.isExportDeclaration(statement) || isOverloadBody(statement) || isDocumented(statement)) return [];
  const message = "exports something undocumented: say in a sentence what its name does not (shapes, units, errors)";
  return [{ path, line, message }];
}

function isExported(statement: ts.Statement): boolean {
  return ts.isExportAssignment(statement) || ts.isExportDeclaration(statement) ||
    has(statement, ts.SyntaxKind.ExportKeyword);
}

function has(statement: ts.Statement, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(statement) && (ts.getModifiers(statement) ?? []).some((one) => one.kind === kind);
}

function isOverloadBody(statement: ts.Statement): boolean {
  return ts.isFunctionDeclaration(statement) && statement.body === undefined;
}

function isDocumented(statement: ts.Statement): boolean {
  return ts.getJSDocCommentsAndTags(statement).some((doc) =>
    ts.isJSDoc(doc) && (ts.getTextOfJSDocComment(doc.comment) ?? "").trim().length >= SHORTEST_SENTENCE
  );
}
