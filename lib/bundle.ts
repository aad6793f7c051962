import { Composer, isMap, isNode, isScalar, isSeq, LineCounter, Parser } from "yaml";
import type { Document, ParsedNode } from "yaml";

/** One manifest of a bundle, with where it stands in it. */
export interface Manifest {
  /** Which YAML document, counted from 1, empty ones included. */
  readonly document: number;
  /** The line where the document's content begins, counted from 1. */
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** As the manifest has it; undefined where it names none. */
  readonly namespace: string | undefined;
  /** The whole manifest. */
  readonly object: Readonly<Record<string, unknown>>;
}

/** What is wrong with a bundle, and where. */
export interface BundleFault {
  readonly document: number;
  readonly line: number;
  readonly message: string;
}

/** A parsed bundle: its manifests, or every fault at once. A bundle with a fault has no manifests. */
export interface Bundle {
  readonly manifests: readonly Manifest[];
  readonly faults: readonly BundleFault[];
}

type YamlDocument = Document.Parsed<ParsedNode>;

const NAME_MAX = 253; // Kubernetes' own limits: of names, and of kinds and namespaces
const LABEL_MAX = 63;
const API_VERSION_MAX = NAME_MAX + 1 + LABEL_MAX; // group, slash, version
const EXPANDED_MAX = 8 * 1024 * 1024;
const NODE_SIZE = 16; // what a mapping, a list or a number is taken to need: a guess on the high side
const QUOTED = /(?<=[\w)]): .*|(?<=Invalid escape sequence) .*/s;
const TAG = / ?!\S+/g;
/**
 * As Kubernetes reads YAML: `<<` merges, and only JSON's types are known. The parser's own search for repeated keys is
 * left out: it compares each with each, minutes of work for a mapping of 100,000.
 */
const YAML_OPTIONS = {
  prettyErrors: false,
  logLevel: "error",
  merge: true,
  resolveKnownTags: false,
  uniqueKeys: false,
} as const;

/** Parses a bundle of YAML 1.2 documents. Empty documents are passed over; a `List` stands for its items. */
export function parseBundle(content: string): Bundle {
  const steps = bundleSteps(content);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** The same, a document a step, for whoever has something else to do in between. */
export function* bundleSteps(content: string): Generator<void, Bundle> {
  const lines = new LineCounter();
  const documents = new Composer(YAML_OPTIONS).compose(new Parser(lines.addNewLine).parse(content));
  const manifests: Manifest[] = [];
  const faults: BundleFault[] = [];
  let document = 0;
  for (const parsed of documents) {
    document += 1;
    readDocument(parsed as YamlDocument, { document, lines, manifests, faults });
    yield;
  }
  faults.push(...duplicates(manifests));
  return { manifests: faults.length === 0 ? manifests : [], faults };
}

/** A fault as one line of text: where, then what. */
export function faultText({ document, line, message }: BundleFault): string {
  return `document ${document}, line ${line}: ${message}`;
}

interface Reading {
  readonly document: number;
  readonly lines: LineCounter;
  readonly manifests: Manifest[];
  readonly faults: BundleFault[];
}

function readDocument(parsed: YamlDocument, { document, lines, manifests, faults }: Reading): void {
  const line = lines.linePos(parsed.contents?.range?.[0] ?? parsed.range[0]).line;
  const problems = [...parsed.errors, ...parsed.warnings, ...repeatedKeys(parsed.contents)];
  if (problems.length > 0) {
    for (const { pos, message } of problems) {
      faults.push({ document, line: lines.linePos(pos[0]).line, message: inWords(message) });
    }
    return;
  }
  const read = valueOf(parsed);
  if (read.fault !== undefined) {
    faults.push({ document, line, message: inWords(read.fault) });
    return;
  }
  if (read.value === null) return;
  if (!isMap(parsed.contents)) {
    faults.push({ document, line, message: "must be a mapping with apiVersion, kind and metadata.name" });
    return;
  }
  readManifest(read.value, { document, line, lines, node: parsed.contents, manifests, faults });
}

interface Problem {
  readonly pos: readonly [start: number, end: number];
  readonly message: string;
}

/** Every key that its mapping has already, wherever the mapping is. */
function repeatedKeys(contents: unknown): readonly Problem[] {
  const rest: unknown[] = [contents];
  const problems: Problem[] = [];
  while (rest.length > 0) {
    const node = rest.pop();
    if (isSeq(node)) { for (const item of node.items) rest.push(item); }
    if (!isMap(node)) continue;
    const known = new Set<unknown>();
    for (const { key, value } of node.items) {
      rest.push(key, value);
      if (!isScalar(key)) continue;
      const [start = 0, end = 0] = key.range ?? [];
      if (known.has(key.value)) problems.push({ pos: [start, end], message: "Map keys must be unique" });
      known.add(key.value);
    }
  }
  return problems.sort((one, other) => one.pos[0] - other.pos[0]);
}

/** The document's plain value; an alias without its anchor, or too many of them, is found only here. */
function valueOf(parsed: YamlDocument): { readonly value?: unknown; readonly fault?: string } {
  if (parsed.directives.yaml.version !== "1.2") return { fault: "must be YAML 1.2" };
  let hasAnchors = false;
  try {
    const value = parsed.toJS({ onAnchor: () => hasAnchors = true }) ?? null;
    if (!hasAnchors || fits(value)) return { value };
    return { fault: "contains itself, or is larger than 8 MiB once its aliases are written out" };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

/** Whether a value, written out, stays within bounds; one that contains itself never does. */
function fits(value: unknown): boolean {
  const rest: unknown[] = [value];
  let size = 0;
  while (rest.length > 0 && size <= EXPANDED_MAX) {
    const one = rest.pop();
    size += typeof one === "string" ? one.length : NODE_SIZE;
    if (typeof one === "object" && one !== null) { for (const inner of Object.values(one)) rest.push(inner); }
  }
  return size <= EXPANDED_MAX;
}

/** The parser's message without what it quotes of the text, which may be a Secret's; the line says where to look. */
function inWords(message: string): string {
  if (message.startsWith("Maximum call stack")) return "is nested too deeply";
  return message.replace(QUOTED, "").replace(TAG, "");
}

interface Place extends Reading {
  readonly line: number;
  /** What the manifest was written as; an alias in a list, say, says nothing of where. */
  readonly node: unknown;
}

function readManifest(value: unknown, place: Place): void {
  const object = value as Record<string, unknown>;
  if (isList(object)) {
    object.items.forEach((item, at) => readManifest(item, placeOfItem(place, at)));
    return;
  }
  const { document, line } = place;
  const faults = manifestFaults(object);
  place.faults.push(...faults.map((message) => ({ document, line, message })));
  if (faults.length > 0) return;
  const { apiVersion, kind, metadata } = object as unknown as Shape;
  place.manifests.push({
    document,
    line,
    apiVersion,
    kind,
    name: metadata.name,
    namespace: metadata.namespace,
    object,
  });
}

function placeOfItem({ node, lines, line, ...rest }: Place, at: number): Place {
  const items = isMap(node) ? node.get("items") : undefined;
  const item = isSeq(items) ? items.items[at] : undefined;
  const offset = isNode(item) ? item.range?.[0] : undefined;
  return { ...rest, lines, node: item, line: offset === undefined ? line : lines.linePos(offset).line };
}

interface Shape {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function isList(object: Record<string, unknown>): object is { items: unknown[] } {
  return object?.apiVersion === "v1" && object.kind === "List" && Array.isArray(object.items);
}

function manifestFaults(object: Record<string, unknown> | null): string[] {
  if (typeof object !== "object" || object === null || Array.isArray(object)) return ["must be a mapping"];
  const metadata = object.metadata as Record<string, unknown> | null | undefined;
  const namespace = metadata?.namespace;
  return [
    ...textFaults("apiVersion", object.apiVersion, API_VERSION_MAX),
    ...textFaults("kind", object.kind, LABEL_MAX),
    ...textFaults("metadata.name", metadata?.name, NAME_MAX),
    ...(namespace === undefined ? [] : textFaults("metadata.namespace", namespace, LABEL_MAX)),
  ];
}

function textFaults(field: string, value: unknown, maxLength: number): string[] {
  if (typeof value !== "string" || value === "") return [`${field} must be a non-empty string`];
  return value.length <= maxLength ? [] : [`${field} must have at most ${maxLength} characters`];
}

function duplicates(manifests: readonly Manifest[]): BundleFault[] {
  const first = new Map<string, Manifest>();
  const faults: BundleFault[] = [];
  for (const manifest of manifests) {
    const { apiVersion, kind, namespace, name, document, line } = manifest;
    const key = JSON.stringify([apiVersion, kind, namespace ?? "", name]);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, manifest);
    else faults.push({ document, line, message: `${kind} "${name}" is in document ${earlier.document} already` });
  }
  return faults;
}
