import type { Failure } from "$lib/error.ts";
import { isMapping } from "$lib/json.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { readable } from "../compare/field_sets.ts";
import { keysPart } from "../compare/pointers.ts";
import { errorText } from "../desired.ts";
import { groupKindOf, groupKindText } from "../names.ts";

/**
 * What went wrong with one object. Of a value that the API server can't read as its type it says what is wrong, behind
 * the names of its own types, and not where: the manifest tells that.
 */
export function faultText(error: Failure, object: KubernetesObject): string {
  const text = errorText(error);
  const [, why] = DECODING.exec(text) ?? [];
  const isAt = why === undefined ? undefined : placeOf(why, object);
  if (isAt === undefined) return text;
  const paths = nodesOf(object).filter(isAt).map(({ path }) => path);
  return paths.length === 0 ? text : `${inWords(paths)}: ${why}`;
}

const DECODING =
  /^failed to convert new object \([^)]{1,600}\) to proper version: (?:unable to convert unstructured object to [^:]{1,300}: )?(?:error decoding from json: )?([^]+)$/;
const PATHS_MAX = 10;

function inWords(paths: readonly string[]): string {
  return [...paths.slice(0, PATHS_MAX), ...(paths.length > PATHS_MAX ? ["…"] : [])].join(", ");
}

/** A field or an item, however deep in an object. */
interface Node {
  readonly value: unknown;
  /** For people. */
  readonly path: string;
  /** The names of the fields that lead to it; an item of a list has none. */
  readonly names: readonly string[];
}

/** How to know the value that the API server speaks of; undefined where nothing tells. */
function placeOf(why: string, object: KubernetesObject): ((node: Node) => boolean) | undefined {
  if (why.startsWith("illegal base64 data")) return (node) => isBytes(node, object) && !isBase64(node.value);
  if (/\bquantit(?:y|ies)\b/.test(why)) return (node) => isQuantity(node) && !isAmount(node.value);
  if (/^json: cannot unmarshal \w+ into Go value of type (?:int32|string)$/.test(why)) {
    return ({ names, value }) => INT_OR_STRING.includes(names.at(-1) ?? "") && !isIntOrString(value);
  }
  if (/^cannot convert float64 to u?int/.test(why)) return (node) => isFraction(node.value) && !isQuantity(node);
  const [, time] = /^parsing time "([^"]{1,300})"/.exec(why) ?? [];
  return time === undefined ? undefined : ({ value }) => value === time;
}

function isFraction(value: unknown): boolean {
  return typeof value === "number" && !Number.isInteger(value);
}

/** Fields of bytes in whatever kind, beside a Secret's `data` and a ConfigMap's `binaryData`. */
const BYTES: readonly string[] = ["caBundle", "request", "pkixPublicKey", "proofOfPossession"];
const OF_BYTES: Readonly<Record<string, string>> = { Secret: "data", ConfigMap: "binaryData" };

function isBytes({ names }: Node, object: KubernetesObject): boolean {
  const holder = OF_BYTES[groupKindText(groupKindOf(object))];
  return holder === undefined ? BYTES.includes(names.at(-1) ?? "") : names.length === 2 && names[0] === holder;
}

function isBase64(value: unknown): boolean {
  if (typeof value !== "string") return true; // said with its path already, or nothing
  const text = value.replace(/[\r\n]/g, "");
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** Maps of amounts by what they are amounts of. */
const AMOUNTS: readonly string[] = [
  ...["limits", "requests", "hard", "max", "min", "default", "defaultRequest", "maxLimitRequestRatio"],
  ...["capacity", "allocatable", "podFixed"],
];
const AMOUNT: readonly string[] = ["sizeLimit", "divisor", "averageValue"];

function isQuantity({ names, value }: Node): boolean {
  if (isMapping(value) || Array.isArray(value)) return false;
  const [holder, name] = [names.at(-2) ?? "", names.at(-1) ?? ""];
  return AMOUNTS.includes(holder) || AMOUNT.includes(name) || (holder === "target" && name === "value");
}

const QUANTITY = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

function isAmount(value: unknown): boolean {
  return typeof value === "number" || value === null || QUANTITY.test(String(value));
}

const INT_OR_STRING: readonly string[] = ["minAvailable", "maxUnavailable", "maxSurge", "port", "targetPort"];

function isIntOrString(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string" || value === null;
}

function nodesOf(value: unknown, path = "", names: readonly string[] = []): readonly Node[] {
  const inside = isMapping(value)
    ? Object.entries(value).flatMap(([name, field]) =>
      nodesOf(field, stepTo(path, readable(`f:${name}`)), [...names, name])
    )
    : Array.isArray(value)
    ? value.flatMap((item, index) => nodesOf(item, `${path}${itemPart(item, index)}`, [...names, ""]))
    : [];
  return [{ value, path, names }, ...inside];
}

function stepTo(path: string, step: string): string {
  return path === "" && step.startsWith(".") ? step.slice(1) : `${path}${step}`;
}

function itemPart(item: unknown, index: number): string {
  return isMapping(item) && typeof item.name === "string" ? keysPart({ name: item.name }) : `[${index}]`;
}
