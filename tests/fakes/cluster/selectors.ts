import { badRequest } from "./failure.ts";
import { at } from "./json.ts";
import type { KubeObject } from "./objects.ts";

/** Says of one object whether it is selected. */
export type Selector = (object: KubeObject) => boolean;

/** Reads `labelSelector` and `fieldSelector` of a query; none selects everything. */
export function parseSelectors(query: URLSearchParams): Selector {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "");
  return (object) => labels(object) && fields(object);
}

/** Reads a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas. */
function parseLabelSelector(text: string): Selector {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}));
}

type Requirement = (labels: Record<string, string>) => boolean;

const SET = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/;
const EQUAL = /^([^\s!=]+)\s*(=|==|!=)\s*([^\s=!]*)$/;
const EXISTS = /^(!?)\s*([A-Za-z0-9][-A-Za-z0-9_./]*)$/;

function parseRequirement(text: string): Requirement {
  const [, setKey, operator, list] = SET.exec(text) ?? [];
  if (setKey !== undefined && list !== undefined) {
    const values = new Set(list.split(",").map((value) => value.trim()));
    const isIn = (labels: Record<string, string>) => values.has(labels[setKey] ?? "\0");
    return operator === "in" ? isIn : (labels) => !isIn(labels);
  }
  const [, key, sign, value] = EQUAL.exec(text) ?? [];
  if (key !== undefined) return (labels) => (labels[key] === value) !== (sign === "!=");
  const [, not, name] = EXISTS.exec(text) ?? [];
  if (name !== undefined) return (labels) => Object.hasOwn(labels, name) !== (not === "!");
  const found = text.split(/\s+/).at(-1);
  throw badRequest(`unable to parse requirement: found '${found}', expected: in, notin, =, ==, !=, gt, lt`);
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((part) => part.trim()).filter((part) => part !== "");
}

/** Those of every kind, and the common ones of pods, events, namespaces and secrets. */
const KNOWN_FIELDS = [
  ...["metadata.name", "metadata.namespace", "status.phase", "spec.nodeName", "type", "reason"],
  ...["involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "involvedObject.uid"],
];

function parseFieldSelector(text: string): Selector {
  const terms = text.split(",").filter((term) => term.trim() !== "").map((term) => {
    const [, path = "", sign, value] = /^([^!=]+)(==|=|!=)(.*)$/.exec(term.trim()) ?? [];
    if (path === "") throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
    if (!KNOWN_FIELDS.includes(path)) {
      const known = '"metadata.name", "metadata.namespace"';
      throw badRequest(`${JSON.stringify(path)} is not a known field selector: only ${known}`);
    }
    const fields = path.split(".");
    return (object: KubeObject) => (String(at(object, ...fields) ?? "") === value) !== (sign === "!=");
  });
  return (object) => terms.every((holds) => holds(object));
}
