import { parser } from "@prometheus-io/lezer-promql";

type Node = ReturnType<typeof parser.parse>["topNode"];

/** A part of an expression: what the grammar calls it, its text, where that begins in the whole, and its parts. */
export interface Part {
  readonly kind: string;
  readonly text: string;
  readonly from: number;
  readonly parts: readonly Part[];
}

/** What Grafana replaces before it asks, by what a check may read in its place. */
const GRAFANA_VARIABLES: readonly (readonly [RegExp, string])[] = [
  [/\$__(rate_interval|interval|range)\b/g, "5m"],
];

/**
 * Reads an expression with Prometheus's own grammar.
 *
 * @returns The faults of its syntax in place of its parts, when there are any.
 */
export function readPromql(expression: string): Part | { readonly faults: readonly string[] } {
  const text = GRAFANA_VARIABLES.reduce((read, [variable, value]) => read.replaceAll(variable, value), expression);
  const { topNode } = parser.parse(text);
  const faults = errorsOf(topNode).map(({ from }) => `is no PromQL near "${text.slice(from, from + 20)}"`);
  return faults.length > 0 ? { faults } : partOf(topNode, text);
}

/** Every part of the given kind, at any depth. */
export function findParts(part: Part, kind: string): readonly Part[] {
  const below = part.parts.flatMap((one) => findParts(one, kind));
  return part.kind === kind ? [part, ...below] : below;
}

/** The direct part of the given kind. */
export function partOfKind({ parts }: Part, kind: string): Part | undefined {
  return parts.find((one) => one.kind === kind);
}

function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function errorsOf(node: Node): readonly Node[] {
  return [...(node.type.isError ? [node] : []), ...childrenOf(node).flatMap(errorsOf)];
}

function partOf(node: Node, text: string): Part {
  return {
    kind: node.name,
    text: text.slice(node.from, node.to),
    from: node.from,
    parts: childrenOf(node).map((child) => partOf(child, text)),
  };
}
