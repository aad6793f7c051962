import * as conventions from "@opentelemetry/semantic-conventions";
import ts from "typescript";
import { isTest, lineOf, type Source, type Violation, walk } from "./source.ts";

/** Attributes of ours, which OpenTelemetry has no name for, and why they are there. */
export const OWN_ATTRIBUTES: Readonly<Record<string, string>> = {
  "brokkr.caller.role": "who asked: the conventions know users of a system, and no roles of keys",
  "brokkr.caller.id": "by which key: the admin's, an agent's or a generator's, by its id",
  "brokkr.stack.id": "a unit of delivery is this project's own notion",
  "brokkr.stack.name": "what people know it by",
  "brokkr.deployment_object.id": "so is one submission to it",
  "brokkr.agent.id": "whose turn, and whose wait: the conventions know no agents of a broker",
  "brokkr.settle.agents": "how many agents one step of settling is about",
  "brokkr.turn.cause": "why an agent looks at a stack: submission, change, retry, drift or resync",
  "brokkr.turn.result": "what came of it, as metrics and reports say it",
  "brokkr.turn.reason": "why it failed or waits, as reports say it; error.type has it of failures alone",
  "brokkr.wait.objects": "how many objects a turn waited for when it began to",
  "brokkr.writes.count": "writes that are no spans of their own, because a turn has 256 at most",
  "brokkr.writes.failed": "how many of them failed",
  "brokkr.kubernetes.operation": "apply or patch: both are a PATCH",
  "brokkr.object.api_version": "of any kind of object; the conventions name those of a few kinds",
  "brokkr.object.kind": "of any kind of object",
  "brokkr.object.name": "of any kind of object",
  "url.template": "of the conventions, where it is in development: what the span's name says",
};

/** Span names of ours, of what has no convention, and why they are there. */
export const OWN_SPANS: Readonly<Record<string, string>> = {
  "settle": "deciding which agents get a submission is this project's own work",
  "delivery wait": "from a submission until its agent is told: nobody works meanwhile",
};

/** The names that OpenTelemetry's package has for attributes, all of them stable. */
const KNOWN = new Set(Object.entries(conventions).flatMap(([name, value]) => name.startsWith("ATTR_") ? [value] : []));
const ATTRIBUTE = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/;
const FILES_OF_SPANS = /\$lib\/tracing\.ts|@opentelemetry\/api|Tracing\b/;

/**
 * Names of attributes and spans that neither OpenTelemetry's conventions have nor the lists above. A file that has to
 * do with traces is read for keys with a dot in objects, and for what is begun by a literal name.
 */
export function conventionViolations(source: Source): Violation[] {
  if (isTest(source.path) || !FILES_OF_SPANS.test(source.text)) return [];
  const violations: Violation[] = [];
  walk(source, (node) => {
    const key = attributeIn(node);
    if (key !== undefined && !KNOWN.has(key) && !Object.hasOwn(OWN_ATTRIBUTES, key)) {
      add(node, `the attribute "${key}"`);
    }
    const name = spanIn(node);
    if (name !== undefined && !Object.hasOwn(OWN_SPANS, name)) add(node, `the span "${name}"`);
  });
  return violations;

  function add(node: ts.Node, what: string): void {
    const message = `${what} is not of OpenTelemetry's stable conventions: use theirs, or say why in conventions.ts`;
    violations.push({ path: source.path, line: lineOf(source, node), message });
  }
}

function attributeIn(node: ts.Node): string | undefined {
  const named = ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name) ? node.name.text : undefined;
  const set = ts.isCallExpression(node) && isMethod(node, "setAttribute") ? firstText(node) : undefined;
  const key = named ?? set;
  return key !== undefined && ATTRIBUTE.test(key) ? key : undefined;
}

function spanIn(node: ts.Node): string | undefined {
  return ts.isCallExpression(node) && isMethod(node, "begin") ? firstText(node) : undefined;
}

function isMethod({ expression }: ts.CallExpression, name: string): boolean {
  return ts.isPropertyAccessExpression(expression) && expression.name.text === name;
}

function firstText({ arguments: [first] }: ts.CallExpression): string | undefined {
  return first !== undefined && ts.isStringLiteralLike(first) ? first.text : undefined;
}
