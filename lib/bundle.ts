import { manifestFaults, manifestsOf, type Shape } from "$lib/bundle/manifests.ts";
import { readYamlDocument } from "$lib/yaml/document.ts";
import { newBudget } from "$lib/yaml/events.ts";
import { LineFinder } from "$lib/yaml/lines.ts";
import { type DocumentSpan, type ScanFault, scanText } from "$lib/yaml/scan.ts";

/**
 * What a worker that parses may take of memory, in MiB: a third more than the costliest bundle needs. Without limits of
 * its own it may grow as large as the whole program, and if it fills that, everything ends.
 */
export const PARSING_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

/** One manifest of a bundle, with where it stands in it. */
export interface Manifest {
  /** Which YAML document, counted from 1, empty ones included. */
  readonly document: number;
  /** The line where the document's content begins, counted from 1. */
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** As the manifest has it; undefined where it names none, or none by `null` or an empty text. */
  readonly namespace: string | undefined;
  /** The whole manifest. Whole numbers outside ±(2^53 − 1) are kept as `JSON.rawJSON`. */
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
  /** The first faults, 100 at most: one text may have a million. */
  readonly faults: readonly BundleFault[];
  /** How many faults there are beside those. */
  readonly furtherFaults: number;
}

const FAULTS_MAX = 100;
/** What a bundle may have of objects: the record of a stack holds no more. */
const OBJECTS_MAX = 20_000;

/**
 * Parses a bundle of YAML documents as Kubernetes does. Empty documents are passed over; a list of any kind stands for
 * its items. Work is bounded by the text's size and marks, never by the clock.
 */
export function parseBundle(content: string): Bundle {
  const reading = new BundleReading(content);
  const manifests = [...reading].flat();
  const { faults, furtherFaults } = reading;
  return { faults, furtherFaults, manifests: faults.length === 0 ? manifests : [] };
}

/**
 * The same, a document a step, for whoever has something else to do in between, or no memory for all of it at once:
 * each step gives the manifests of its document, of which nothing is to be used where there are faults in the end.
 */
export class BundleReading implements Iterable<readonly Manifest[]>, Omit<Bundle, "manifests"> {
  readonly #text: string;
  readonly #lines: LineFinder;
  readonly #budget = newBudget();
  #manifests: Manifest[] = [];
  readonly #documents = new Map<string, number>();
  readonly #faults: BundleFault[] = [];
  #furtherFaults = 0;

  /** Reads nothing yet. */
  constructor(text: string) {
    this.#text = text;
    this.#lines = new LineFinder(text, 1);
  }

  /** The first faults so far, 100 at most. */
  get faults(): readonly BundleFault[] {
    return this.#faults;
  }

  /** How many faults there are beside those, so far. */
  get furtherFaults(): number {
    return this.#furtherFaults;
  }

  /** Reads the text from its beginning: once. */
  *[Symbol.iterator](): Generator<readonly Manifest[], void> {
    const { documents, faults, tooMuch } = scanText(this.#text);
    yield [];
    if (tooMuch !== undefined) return this.#refuse(documents.length + 1, tooMuch);
    const foreign = faults[Symbol.iterator]();
    let next = foreign.next().value;
    for (const [index, span] of documents.entries()) {
      if (next === undefined || next.offset >= span.end) {
        this.#read(index + 1, span);
      } else {
        this.#refuse(index + 1, next);
        next = foreign.next().value;
      }
      yield this.#takeManifests();
    }
  }

  /** Notes what is wrong with a document before it is read. */
  #refuse(document: number, { offset, message }: ScanFault): void {
    this.#fault({ document, line: this.#lines.lineAt(offset), message });
  }

  /** Reads one document. */
  #read(document: number, { start, end }: DocumentSpan): void {
    const read = readYamlDocument(this.#text.slice(start, end), this.#budget);
    const lines = new LineFinder(read.text, this.#lines.lineAt(start));
    for (const { offset, message } of read.faults.toSorted((one, other) => one.offset - other.offset)) {
      this.#fault({ document, line: lines.lineAt(offset), message });
    }
    if (read.faults.length > 0 || read.value === null) return;
    for (const candidate of manifestsOf(read)) {
      const { offset, value } = candidate;
      const line = lines.lineAt(offset);
      const faults = manifestFaults(candidate);
      for (const message of faults) this.#fault({ document, line, message });
      if (faults.length === 0) this.#take(value as Shape, { document, line });
    }
  }

  /** What was found since the last time. */
  #takeManifests(): readonly Manifest[] {
    const manifests = this.#manifests;
    this.#manifests = [];
    return manifests;
  }

  #fault(fault: BundleFault): void {
    if (this.#faults.length === FAULTS_MAX) this.#furtherFaults += 1;
    else this.#faults.push(fault);
  }

  #take(object: Shape, place: Pick<Manifest, "document" | "line">): void {
    const { apiVersion, kind, metadata: { name, namespace } } = object;
    const key = JSON.stringify([apiVersion, kind, namespace ?? "", name]);
    const earlier = this.#documents.get(key);
    if (earlier !== undefined) {
      return this.#fault({ ...place, message: `${kind} "${name}" is in document ${earlier} already` });
    }
    this.#documents.set(key, place.document);
    const count = this.#documents.size;
    if (count === OBJECTS_MAX + 1) {
      this.#fault({ ...place, message: "is one too many: a bundle has at most 20,000 objects" });
    }
    if (count > OBJECTS_MAX || this.#faults.length > 0) return;
    this.#manifests.push({ ...place, apiVersion, kind, name, namespace: namespace || undefined, object });
  }
}

/** A fault as one line of text: where, then what. */
export function faultText({ document, line, message }: BundleFault): string {
  return `document ${document}, line ${line}: ${message}`;
}
