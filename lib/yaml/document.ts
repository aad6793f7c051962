import { COLLECTION_STYLE, EVENT_ID, SCALAR_STYLE } from "js-yaml";
import type { AliasEvent, DocumentEvent, Event, MappingEvent, ScalarEvent, SequenceEvent } from "js-yaml";
import { isMapping } from "$lib/json.ts";
import { type Budget, type DocumentFault, LEVELS_MAX, parseDocument, scalarText, TOO_DEEP } from "$lib/yaml/events.ts";
import { mayStandForMore, resolveScalar, type Scalar } from "$lib/yaml/scalars.ts";
import { mayMerge, resolveTagged, tagName } from "$lib/yaml/tags.ts";

/** One document, read. */
export interface YamlDocument {
  /** What was parsed: the text, with more spaces before some of its lines. */
  readonly text: string;
  /**
   * As `JSON.parse` would give it: what two aliases stand for is the same object twice. Nothing where there are faults.
   */
  readonly value: unknown;
  /** Where its content begins in {@linkcode text}. */
  readonly offset: number;
  /** Where the elements of each list begin that is the value of a key `items`. */
  readonly itemOffsets: ReadonlyMap<unknown, readonly number[]>;
  readonly faults: readonly DocumentFault[];
}

const NODE_SIZE = 16; // what a mapping, a list, a key or a number is taken to need
/** Kubernetes writes a fraction as a key like a float of 32 bits: with six digits or fewer that is the same. */
const SHORT_FRACTION = /^-?(?!(?:[.-]*\d){7})\d+(?:\.\d+)?$/;
const NO_HANDLES: ReadonlyMap<string, string> = new Map();
const BREAK_BEFORE_EMPTY_LINE = /(?<!\\)(?:\\\\)*\\(?:\r\n|\r|\n)[ \t]*[\r\n]/;
const NO_ANCHOR = -1;

/**
 * Reads one document of YAML as Kubernetes does. `text` holds that document and nothing of another. Nothing that
 * faults say is quoted from the text, which may be a Secret's.
 */
export function readYamlDocument(text: string, budget: Budget): YamlDocument {
  const { events, fault, text: padded } = parseDocument(text, budget);
  const reader = new DocumentReader(padded, budget);
  if (fault !== undefined) reader.faults.push(fault);
  for (const event of events) reader.take(event);
  return reader;
}

/** A mapping or a list that is being read. */
interface Frame {
  readonly value: Record<string, unknown> | unknown[];
  readonly anchor: string | undefined;
  readonly isFlow: boolean;
  /** What the document's size was when it began. */
  readonly sizeBefore: number;
  /** Of a list, where each element begins; kept for a list of items only. */
  readonly offsets: number[] | undefined;
  /** Of a mapping, the key whose value comes next; undefined where a key comes next. */
  key: string | typeof MERGE | undefined;
  /** Of a mapping, the keys that came by merging, which its own may still replace. */
  merged: Set<string> | undefined;
}

/** What an anchor names; nothing yet while it is being read. */
interface Anchored {
  readonly value: unknown;
  readonly size: number;
}

const MERGE = Symbol("merge");
const OPEN: unique symbol = Symbol("open");

class DocumentReader implements YamlDocument {
  readonly faults: DocumentFault[] = [];
  readonly itemOffsets = new Map<unknown, readonly number[]>();
  value: unknown = null;
  offset = 0;

  readonly text: string;
  readonly #budget: Budget;
  readonly #frames: Frame[] = [];
  readonly #colon = /(?:\s|#[^\r\n]*[\r\n])*:[,[\]{}]/y;
  readonly #anchors = new Map<string, Anchored | typeof OPEN>();
  #handles = NO_HANDLES;
  #size = 0;
  #documents = 0;
  #hasContent = false;
  #position = 0;

  constructor(text: string, budget: Budget) {
    this.text = text;
    this.#budget = budget;
  }

  take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#takeScalar(event);
      case EVENT_ID.MAPPING:
        return this.#open({}, event);
      case EVENT_ID.SEQUENCE:
        return this.#open([], event);
      case EVENT_ID.POP:
        return this.#close();
      case EVENT_ID.ALIAS:
        return this.#takeAlias(event);
      default:
        return this.#begin(event);
    }
  }

  #begin({ directives }: DocumentEvent): void {
    this.#documents += 1;
    if (this.#documents > 1) this.#fault("holds a second document without a line `---` before it");
    const version = directives.find((one) => one.kind === "yaml")?.version ?? "1.1";
    if (version !== "1.1") this.#fault("must be YAML 1.1, as Kubernetes reads it");
    const handles = directives.flatMap((one) => one.kind === "tag" ? [[one.handle, one.prefix] as const] : []);
    if (handles.length > 0) this.#handles = new Map(handles);
  }

  #fault(message: string): void {
    this.faults.push({ offset: this.#position, message });
  }

  #at(position: number): void {
    if (position < 0) return;
    this.#position = position;
    if (this.#hasContent) return;
    this.offset = position;
    this.#hasContent = true;
  }

  #open(value: Frame["value"], event: MappingEvent | SequenceEvent): void {
    this.#at(event.start);
    if (this.#frames.length === LEVELS_MAX) this.#fault(TOO_DEEP);
    const parent = this.#frames.at(-1);
    const anchor = this.#anchorOf(event);
    if (anchor !== undefined) this.#anchors.set(anchor, OPEN);
    const offsets = Array.isArray(value) && parent?.key === "items" ? [] : undefined;
    parent?.offsets?.push(event.start);
    const isFlow = event.style === COLLECTION_STYLE.FLOW;
    this.#frames.push({ value, anchor, isFlow, sizeBefore: this.#size, offsets, key: undefined, merged: undefined });
    this.#size += NODE_SIZE;
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    const { value, anchor, offsets, sizeBefore } = frame;
    if (offsets !== undefined) this.itemOffsets.set(value, offsets);
    if (anchor !== undefined) this.#anchors.set(anchor, { value, size: this.#size - sizeBefore });
    this.#put(value);
  }

  #takeScalar(event: ScalarEvent): void {
    this.#at(event.valueStart);
    const text = scalarText(this.text, event);
    if (event.style === SCALAR_STYLE.DOUBLE_QUOTED && !event.fast) this.#checkEscapes(text, event);
    const frame = this.#frames.at(-1);
    frame?.offsets?.push(this.#position);
    const tag = event.tagStart < 0 ? "" : tagName(this.text.slice(event.tagStart, event.tagEnd), this.#handles);
    const isPlain = event.style === SCALAR_STYLE.PLAIN;
    const isKey = frame !== undefined && isAtKey(frame);
    if (isPlain && frame?.isFlow === true) this.#checkInBrackets(event, isKey);
    if (isKey && isPlain && text === "<<" && mayMerge(tag)) {
      frame.key = MERGE;
      return;
    }
    const mayBeMore = tag !== "" || isPlain && mayStandForMore(text);
    const scalar = mayBeMore ? tag === "" ? resolveScalar(text) : resolveTagged(tag, text) : undefined;
    const value = scalar === undefined ? text : this.#valueOf(scalar);
    const size = typeof value === "string" ? value.length : NODE_SIZE;
    const anchor = this.#anchorOf(event);
    if (anchor !== undefined) this.#anchors.set(anchor, { value, size });
    if (isKey) return this.#takeKey(frame, scalar === undefined ? text : keyOf(scalar));
    this.#size += size;
    this.#put(value);
  }

  /** What the parser does not look at, or leaves out. */
  #checkEscapes(value: string, { valueStart, valueEnd }: ScalarEvent): void {
    if (!value.isWellFormed()) this.#fault("has half of a surrogate pair");
    if (!BREAK_BEFORE_EMPTY_LINE.test(this.text.slice(valueStart, valueEnd))) return;
    this.#fault("has an empty line behind an escaped end of a line: write \\n");
  }

  /** What the parser reads as YAML 1.2 has it, and Kubernetes as 1.1 had. */
  #checkInBrackets({ valueStart, valueEnd }: ScalarEvent, isKey: boolean): void {
    const first = valueStart < 0 ? "" : this.text.charAt(valueStart);
    if (first === "?" || first === ":") {
      this.#fault(`begins with ${first} in brackets, where Kubernetes takes that for a sign: put it in quotes`);
    }
    this.#colon.lastIndex = valueEnd;
    if (!isKey || valueEnd < 0 || !this.#colon.test(this.text)) return;
    this.#fault("ends with : in brackets, which Kubernetes takes for a part of it: put a space behind it, or quotes");
  }

  #valueOf(scalar: Scalar): unknown {
    if (scalar.type !== "fault") return Object.is(scalar.value, -0) ? 0 : scalar.value;
    this.#fault(scalar.message);
    return null;
  }

  /** Takes the next key; undefined is one that can't be. */
  #takeKey(frame: Frame, key: string | undefined): void {
    if (key === undefined) {
      this.#fault("has a key that JSON does not have: a null, a list, or a number that needs quotes");
    }
    frame.key = key ?? "";
    this.#size += NODE_SIZE + frame.key.length;
    if (key === undefined || !Object.hasOwn(frame.value, key)) return;
    if (frame.merged?.delete(key) !== true) this.#fault("Map keys must be unique");
  }

  #takeAlias({ anchorStart, anchorEnd }: AliasEvent): void {
    this.#at(anchorStart - 1);
    const frame = this.#frames.at(-1);
    frame?.offsets?.push(this.#position);
    const anchored = this.#anchors.get(this.text.slice(anchorStart, anchorEnd));
    const value = this.#charged(anchored) ? anchored.value : undefined;
    if (frame === undefined || !isAtKey(frame)) return this.#put(value, true);
    this.#takeKey(frame, typeof value === "string" ? value : undefined);
  }

  #charged(anchored: Anchored | typeof OPEN | undefined): anchored is Anchored {
    const budget = this.#budget;
    budget.aliases -= 1;
    if (budget.aliases === -1) this.#fault("has more than 10,000 aliases");
    if (anchored === undefined) this.#fault("is an alias without its anchor");
    if (anchored === OPEN) this.#fault("contains itself");
    if (anchored === undefined || anchored === OPEN || budget.aliases < 0) return false;
    const isFirst = budget.aliased >= 0;
    budget.aliased -= anchored.size;
    this.#size += anchored.size;
    if (budget.aliased >= 0) return true;
    if (isFirst) this.#fault("is larger than 8 MiB once its aliases are written out");
    return false;
  }

  /** Puts a value where it belongs. */
  #put(value: unknown, isAlias = false): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) this.value = value;
    else if (Array.isArray(frame.value)) frame.value.push(value);
    else if (frame.key === undefined) return this.#takeKey(frame, undefined);
    else if (frame.key === MERGE) this.#merge(frame, Array.isArray(value) && !isAlias ? value.reverse() : [value]);
    else set(frame.value, frame.key, value);
    if (frame !== undefined) frame.key = undefined;
  }

  #anchorOf({ anchorStart, anchorEnd }: ScalarEvent | MappingEvent | SequenceEvent): string | undefined {
    return anchorStart === NO_ANCHOR ? undefined : this.text.slice(anchorStart, anchorEnd);
  }

  /**
   * Merges as the library does that Kubernetes reads with: in the order of the text, so that what is merged replaces
   * what stands before it. Of several sources the last comes first here.
   */
  #merge(frame: Frame, sources: readonly unknown[]): void {
    const target = frame.value as Record<string, unknown>;
    const merged = frame.merged ??= new Set();
    for (const source of sources) {
      if (!isMapping(source)) {
        this.#fault("merges what is no mapping");
        continue;
      }
      for (const [key, value] of Object.entries(source)) {
        if (!Object.hasOwn(target, key)) merged.add(key);
        set(target, key, value);
      }
    }
  }
}

function isAtKey({ value, key }: Frame): boolean {
  return key === undefined && !Array.isArray(value);
}

function set(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/** A scalar as a key of JSON; undefined for what Kubernetes takes as none, or writes in a way of its own. */
function keyOf(scalar: Scalar): string | undefined {
  switch (scalar.type) {
    case "text":
      return scalar.value;
    case "boolean":
      return String(scalar.value);
    case "whole":
      return scalar.isUnsigned ? undefined : JSON.stringify(scalar.value);
    case "fraction":
      if (Object.is(scalar.value, -0)) return "-0";
      return SHORT_FRACTION.test(String(scalar.value)) ? String(scalar.value) : undefined;
    default:
      return undefined;
  }
}
