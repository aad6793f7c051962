import ts from "typescript";
import { isTest, lineOf, type Source, type Violation, walk } from "./source.ts";

interface Home {
  readonly expression: RegExp;
  readonly home: RegExp;
  readonly why: string;
}

const HOMES: readonly Home[] = [
  {
    expression: /^(Date\.now|performance\.now|performance\.timeOrigin|setTimeout|setInterval|AbortSignal\.timeout)$/,
    home: /^lib\/clock\.ts$/,
    why: "time is handed in as a Clock (lib/clock.ts), so that tests decide what time it is",
  },
  {
    expression: /^(Math\.random|crypto\.randomUUID|crypto\.getRandomValues)$/,
    home: /^lib\/ids\.ts$/,
    why: "randomness comes from lib/ids.ts, so that tests can hand in their own",
  },
  {
    expression: /^(console\.\w+|Deno\.(stdout|stderr)\.\w+)$/,
    home: /^lib\/(log|program|terminal)\.ts$/,
    why:
      "lines go through the Log of lib/log.ts, which masks secrets; answers through lib/program.ts or lib/terminal.ts",
  },
  {
    expression: /^Deno\.(env\.\w+|args)$/,
    home: /^(broker|agent)\/main\.ts$/,
    why: "only a main.ts reads the environment and the arguments; everything else gets settings handed in",
  },
  {
    expression: /^Deno\.(exit|addSignalListener)$/,
    home: /^(lib\/program|lib\/terminal|broker\/main|agent\/main)\.ts$/,
    why: "a program begins and ends in lib/program.ts, the same way for both, and the client by lib/terminal.ts",
  },
];

/** Uses of time, randomness, output and environment outside their one home. Tests and `docs/generate` are exempt. */
export function homeViolations(source: Source): Violation[] {
  if (isTest(source.path) || source.path.startsWith("docs/generate/")) return [];
  const violations: Violation[] = [];
  walk(source, (node) => {
    const expression = expressionOf(node);
    if (expression === undefined) return;
    for (const { expression: pattern, home, why } of HOMES) {
      if (!pattern.test(expression) || home.test(source.path)) continue;
      violations.push({ path: source.path, line: lineOf(source, node), message: `uses ${expression}: ${why}` });
    }
  });
  return violations;
}

/** The text of a property access (`Date.now`) or of a bare call (`setTimeout`), called or handed on. */
function expressionOf(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return node.getText();
  if (!ts.isIdentifier(node) || !/^set(Timeout|Interval)$/.test(node.text)) return undefined;
  const isReference = ts.isCallExpression(node.parent) || ts.isPropertyAssignment(node.parent);
  return isReference ? node.text : undefined;
}
