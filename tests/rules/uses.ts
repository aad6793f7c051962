import ts from "typescript";
import { lineOf, type Source, type Violation, walk } from "./source.ts";

const EVERYTHING = "*";
const MESSAGE = "exports a value that no other file takes: take it where it was meant for, " +
  "or end the export, so that what a file offers is what others live by";

/** Exported values that no other file imports: an endpoint that is on no list, a helper that has lost its callers. */
export function unusedExports(sources: readonly Source[]): Violation[] {
  const taken = new Set(sources.flatMap(takenBy));
  return sources.filter(({ path }) => !taken.has(`${path}#${EVERYTHING}`)).flatMap((source) =>
    exportedValues(source).filter(({ text }) => !taken.has(`${source.path}#${text}`)).map((name) => ({
      path: source.path,
      line: lineOf(source, name),
      message: `${name.text}: ${MESSAGE}`,
    }))
  );
}

function exportedValues({ tree }: Source): ts.Identifier[] {
  return tree.statements.filter(isExported).flatMap((statement) => {
    if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name);
    return ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) ? statement.name ?? [] : [];
  }).filter(ts.isIdentifier);
}

function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

/** What a file takes of others, as `path#name`. */
function takenBy(source: Source): readonly string[] {
  const taken: string[] = [];
  walk(source, (node) => {
    const specifier = specifierOf(node);
    const home = specifier && fileOf(specifier, source.path);
    if (home !== undefined) taken.push(...namesOf(node).map((name) => `${home}#${name}`));
  });
  return taken;
}

function specifierOf(node: ts.Node): string | undefined {
  const specifier = ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
    ? node.moduleSpecifier
    : isDynamicImport(node)
    ? node.arguments[0]
    : undefined;
  return specifier !== undefined && ts.isStringLiteral(specifier) ? specifier.text : undefined;
}

function isDynamicImport(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function namesOf(node: ts.Node): readonly string[] {
  const clause = ts.isImportDeclaration(node)
    ? node.importClause?.namedBindings
    : ts.isExportDeclaration(node)
    ? node.exportClause
    : undefined;
  if (clause === undefined || ts.isNamespaceImport(clause) || ts.isNamespaceExport(clause)) return [EVERYTHING];
  return clause.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

function fileOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith("$lib/")) return specifier.replace("$lib/", "lib/");
  return specifier.startsWith(".") ? new URL(specifier, `file:///${from}`).pathname.slice(1) : undefined;
}
