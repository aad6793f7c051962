import ts from "typescript";
import { isTest, lineOf, type Source, type Violation, walk } from "./source.ts";

/** A row of the import table: files that `from` matches may not import what `never` matches, for a reason. */
interface Row {
  readonly from: RegExp;
  readonly never: RegExp;
  readonly why: string;
  /** Whether `import type` is let through: a type is not a call. */
  readonly mayImportTypes?: true;
}

const DOORS: readonly (readonly [specifier: RegExp, home: RegExp, why: string])[] = [
  [
    /^postgres$/,
    /^lib\/database\.ts$/,
    "whoever talks to the database goes through lib/database.ts, or its statements go uncounted",
  ],
  [
    /^@electric-sql\//,
    /^lib\/pglite_worker\.ts$/,
    "PGlite blocks the thread it runs in: only lib/pglite_worker.ts may hold it",
  ],
  [
    /^@kubernetes\/client-node(\/|$)/,
    /^lib\/kubernetes\/(kubeconfig|login)\.ts$/,
    "whoever talks to Kubernetes goes through lib/kubernetes.ts, or its requests go uncounted",
  ],
  [
    /^@opentelemetry\/(?!api$)/,
    /^lib\/(metrics(\.ts|\/collection\.ts)$|telemetry\/)/,
    "the OpenTelemetry SDK stays behind lib/metrics.ts and lib/telemetry: programs declare metrics, and record by the API's types",
  ],
];

const TABLE: readonly Row[] = [
  { from: /^lib\//, never: /^(broker|agent)\//, why: "lib is shared: it knows neither program" },
  { from: /^broker\//, never: /^agent\//, why: "the programs meet only on the wire" },
  { from: /^agent\//, never: /^broker\//, why: "the programs meet only on the wire" },
  {
    from: /^broker\/domain\//,
    never: /^broker\/(?!domain\/)/,
    why: "the domain knows no technology: others import it",
  },
  {
    from: /^broker\/domain\//,
    never: /^lib\/(?!wire\/|error\.ts|ids\.ts|bundle\.ts)/,
    why: "the domain may use lib/wire, lib/error, lib/ids and lib/bundle only",
  },
  { from: /^broker\/domain\//, never: /^npm:/, why: "the domain is plain TypeScript" },
  { from: /^broker\/store\//, never: /^broker\/http\//, why: "SQL does not know HTTP" },
  {
    from: /^agent\/plan\//,
    never: /^lib\/(kubernetes|database|serve)|^agent\/(kube|deliver|loops|commands)\//,
    why: "what is planned and what may be deleted is decided without a side effect: no doors",
    mayImportTypes: true,
  },
  {
    from: /^agent\/kube\//,
    never: /^agent\/(loops|deliver|commands)\/|^agent\/plan\/(plan|planner|guard|prune_guard)\.ts$/,
    why: "who talks to the cluster knows the formats of the plan, not who plans, queues or reports",
    mayImportTypes: true,
  },
  { from: /^docs\/generate\//, never: /^tests\//, why: "documents are made from the product, not from its tests" },
];

const SAME_CASES = "tests/fakes/fast_check.ts";

/**
 * Imports that the architecture's table forbids. Type-only imports of `broker/store` are all that `broker/http` may
 * have.
 */
export function importViolations(source: Source): Violation[] {
  const violations: Violation[] = [];
  walk(source, (node) => {
    const found = specifierOf(node);
    if (found === undefined) return;
    const line = lineOf(source, node);
    for (const message of refusals(source.path, found)) violations.push({ path: source.path, line, message });
  });
  return violations;
}

interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

function specifierOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    if (node.moduleSpecifier === undefined || !ts.isStringLiteral(node.moduleSpecifier)) return undefined;
    return { specifier: node.moduleSpecifier.text, isTypeOnly: isTypeOnly(node) };
  }
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return undefined;
  const [argument] = node.arguments;
  return argument !== undefined && ts.isStringLiteralLike(argument)
    ? { specifier: argument.text, isTypeOnly: false }
    : undefined;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  return clause.name === undefined && named !== undefined && ts.isNamedImports(named) &&
    named.elements.every((element) => element.isTypeOnly);
}

function refusals(path: string, { specifier, isTypeOnly }: Import): string[] {
  const target = resolve(path, specifier);
  const found: string[] = [];
  if (!isTest(path)) {
    if (target.startsWith("tests/")) found.push(`imports "${specifier}": the product never depends on its tests`);
    for (const [pattern, home, why] of DOORS) {
      if (pattern.test(specifier) && !home.test(path)) found.push(`imports "${specifier}": ${why}`);
    }
  }
  if (/^broker\/http\//.test(path) && !isTest(path) && target.startsWith("broker/store/") && !isTypeOnly) {
    found.push(`imports "${specifier}": broker/http gets the store handed in; import its types only`);
  }
  if (specifier.startsWith(".") && crossesRooms(path, target)) {
    found.push(`imports "${specifier}": a relative path stays inside its program; write "$lib/…" to reach lib`);
  }
  if (specifier === "fast-check" && path !== SAME_CASES) {
    found.push(`imports "${specifier}": take it from ${SAME_CASES}, whose seed is the same each time`);
  }
  if (/^(npm|jsr|https?):/.test(specifier)) {
    found.push(`imports "${specifier}": name the package as deno.json pins it, so that there is one version of it`);
  }
  if (isTest(path)) return found;
  const rows = TABLE.filter(({ from, never, mayImportTypes }) =>
    from.test(path) && never.test(target) && !(isTypeOnly && mayImportTypes === true)
  );
  return [...found, ...rows.map(({ why }) => `imports "${specifier}": ${why}`)];
}

/** The path inside the repository, or `npm:<package>`. */
function resolve(path: string, specifier: string): string {
  if (specifier.startsWith("$lib/")) return `lib/${specifier.slice("$lib/".length)}`;
  if (!specifier.startsWith(".")) return `npm:${specifier}`;
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

function crossesRooms(path: string, target: string): boolean {
  if (isTest(path) || path.startsWith("docs/")) return false;
  return path.split("/")[0] !== target.split("/")[0] && target !== "deno.json";
}
