import { isMap, LineCounter, parseAllDocuments } from "yaml";
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

/** Parses a bundle of YAML 1.2 documents. Empty documents are passed over; a `List` stands for its items. */
export function parseBundle(content: string): Bundle {
  const lines = new LineCounter();
  const documents = parseAllDocuments(content, { lineCounter: lines, prettyErrors: false });
  const manifests: Manifest[] = [];
  const faults: BundleFault[] = [];
  for (const [index, document] of [...documents].entries()) {
    readDocument(document as YamlDocument, { document: index + 1, lines, manifests, faults });
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
  if (parsed.errors.length > 0) {
    for (const error of parsed.errors) {
      faults.push({ document, line: lines.linePos(error.pos[0]).line, message: error.message });
    }
    return;
  }
  const read = valueOf(parsed);
  if (read.fault !== undefined) {
    faults.push({ document, line, message: read.fault });
    return;
  }
  if (read.value === null) return;
  if (!isMap(parsed.contents)) {
    faults.push({ document, line, message: "must be a mapping with apiVersion, kind and metadata.name" });
    return;
  }
  readManifest(read.value, { document, line, manifests, faults });
}

/** The document's plain value; an alias without its anchor, or too many of them, is found only here. */
function valueOf(parsed: YamlDocument): { readonly value?: unknown; readonly fault?: string } {
  try {
    return { value: parsed.toJS() ?? null };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

interface Place extends Omit<Reading, "lines"> {
  readonly line: number;
}

function readManifest(value: unknown, place: Place): void {
  const object = value as Record<string, unknown>;
  if (isList(object)) {
    object.items.forEach((item) => readManifest(item, place));
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
    ...missing("apiVersion", object.apiVersion),
    ...missing("kind", object.kind),
    ...missing("metadata.name", metadata?.name),
    ...(namespace === undefined || isText(namespace) ? [] : ["metadata.namespace must be a non-empty string"]),
  ];
}

function missing(field: string, value: unknown): string[] {
  return isText(value) ? [] : [`${field} must be a non-empty string`];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
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
