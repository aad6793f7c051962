import ts from "typescript";
import type { Source } from "./source.ts";

/** What is loaded with a file: files by their paths, packages by their names. What `import()` loads later is not. */
export function loadedWith(path: string, sources: readonly Source[]): ReadonlySet<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const loaded = new Set([path]);
  for (const one of loaded) { // which grows meanwhile
    const source = byPath.get(one);
    if (source !== undefined) { for (const next of importsOf(source)) loaded.add(next); }
  }
  return loaded;
}

function importsOf({ path, tree }: Source): readonly string[] {
  return tree.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier) || isOfTypes(statement)) return [];
    const { text } = moduleSpecifier;
    if (text.startsWith("$lib/")) return [text.slice(1)];
    return [text.startsWith(".") ? new URL(text, `file:///${path}`).pathname.slice(1) : text];
  });
}

/** Types are gone before anything is loaded. */
function isOfTypes(statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
  const clause = statement.importClause;
  if (clause === undefined) return false;
  const named = clause.namedBindings;
  const areTypes = named !== undefined && ts.isNamedImports(named) && named.elements.every((one) => one.isTypeOnly);
  return clause.isTypeOnly || (clause.name === undefined && areTypes);
}
