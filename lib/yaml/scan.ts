/** One document of a YAML text: where it begins and ends in it. */
export interface DocumentSpan {
  /** Offset of its first character: a directive, a comment, `---` or content. */
  readonly start: number;
  readonly end: number;
}

/** Where a text stops being one that is read. */
export interface ScanFault {
  readonly offset: number;
  readonly message: string;
}

/** What one look at each character finds. */
export interface Scan {
  readonly documents: readonly DocumentSpan[];
  /** Characters that YAML 1.1 does not have, or takes for the end of a line: the first of each document. */
  readonly faults: readonly ScanFault[];
  /** Lines and structural marks; where they are too many, those up to there. */
  readonly marks: number;
  /** Set where the text is more work than is done for anybody: the documents before it are all that was found then. */
  readonly tooMuch?: ScanFault;
}

const TOO_MUCH = "is more than is read: a bundle has at most 600,000 lines and structural marks";
const TOO_MUCH_AT_ONCE = "is more than is read at once: a document has at most 300,000 lines and structural marks";
/** What a text may have of lines and structural marks: three nodes a mark at the most. */
const MARKS_MAX = 600_000;
/** What one document may have: it is read as a whole, which takes some 440 bytes of memory a mark at the most. */
const DOCUMENT_MARKS_MAX = 300_000;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const HASH = 35;
const PERCENT = 37;
const DASH = 45;
const DOT = 46;
const DELETE = 127;
const LAST_CONTROL = 159;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;
const NEXT_LINE = 0x85;
const BYTE_ORDER_MARK = 0xfeff;
const NO_CHARACTER = 0xfffe;

/**
 * What a line is looked through for: its end, structural marks, and what YAML does not have. A pattern passes over all
 * the rest several times as fast as a loop.
 */
const NEEDS_LOOK = /[\n\r,[{]|[-?][ \t]|[^\t -~\xa0-\u2027\u202a-\ufffd]/g;

/**
 * Finds the documents of a text, looking at each character once. Lines and structural marks (`[`, `{`, `,`, and `-` or
 * `?` before a space) are counted wherever they stand, in comments and texts too: no parser can find more than three
 * nodes for each. A byte order mark begins a document, as where files were put one after the other.
 */
export function scanText(text: string): Scan {
  const scanner = new Scanner(text);
  while (scanner.takeLine());
  return scanner.end();
}

class Scanner {
  readonly #text: string;
  readonly #documents: DocumentSpan[] = [];
  readonly #faults: ScanFault[] = [];
  readonly #needsLook = new RegExp(NEEDS_LOOK);
  #at = 0;
  #marks = 0;
  /** What was counted before the document in hand. */
  #marksBefore = 0;
  /** Where the document in hand begins. */
  #start = 0;
  /** Whether it has more than comments and directives. */
  #isOpen = false;
  #hasDirective = false;
  #isFaulty = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** Looks at one line; false after the last, and when there are too many marks. */
  takeLine(): boolean {
    if (this.#at >= this.#text.length || this.#tooMuch() !== undefined) return false;
    this.#beginLine();
    this.#at = this.#endOfLine();
    this.#marks += 1;
    return true;
  }

  end(): Scan {
    const message = this.#tooMuch();
    if (message !== undefined) {
      const tooMuch = { offset: this.#at - 1, message };
      return { documents: this.#documents, faults: this.#faults, marks: this.#marks, tooMuch };
    }
    this.#close(this.#text.length, this.#text.length);
    return { documents: this.#documents, faults: this.#faults, marks: this.#marks };
  }

  #tooMuch(): string | undefined {
    if (this.#marks > MARKS_MAX) return TOO_MUCH;
    return this.#marks - this.#marksBefore > DOCUMENT_MARKS_MAX ? TOO_MUCH_AT_ONCE : undefined;
  }

  #beginLine(): void {
    const text = this.#text;
    while (text.charCodeAt(this.#at) === BYTE_ORDER_MARK) {
      this.#close(this.#at, this.#at + 1);
      this.#at += 1;
    }
    const code = text.charCodeAt(this.#at);
    if (code === DASH && isMarker(text, this.#at, DASH)) {
      if (this.#isOpen) this.#close(this.#at, this.#at);
      this.#isOpen = true;
    } else if (code === DOT && isMarker(text, this.#at, DOT)) {
      this.#at += 3;
      this.#close(this.#at, this.#at);
    } else if (!this.#isOpen) {
      if (code === PERCENT) this.#hasDirective = true;
      else this.#isOpen = hasContent(text, this.#at);
    }
  }

  /** Where the next line begins; counts marks on the way. */
  #endOfLine(): number {
    const text = this.#text;
    const needsLook = this.#needsLook;
    needsLook.lastIndex = this.#at;
    while (needsLook.test(text)) {
      const next = needsLook.lastIndex;
      const code = text.charCodeAt(next - 1);
      if (code === LF) return next;
      if (code === CR) return text.charCodeAt(next) === LF ? next + 1 : next;
      if (isForeign(code)) this.#noteForeign(next - 1, code);
      else this.#marks += 1;
    }
    return text.length;
  }

  #noteForeign(offset: number, code: number): void {
    if (!this.#isFaulty) this.#faults.push({ offset, message: foreignText(code) });
    this.#isFaulty = true;
  }

  #close(end: number, next: number): void {
    if (this.#isOpen || this.#hasDirective) this.#documents.push({ start: this.#start, end });
    this.#start = next;
    this.#marksBefore = this.#marks;
    this.#isOpen = this.#hasDirective = this.#isFaulty = false;
  }
}

/** Whether the line that begins here is `---` or `...`, alone or with something behind a space. */
function isMarker(text: string, at: number, code: number): boolean {
  if (text.charCodeAt(at + 1) !== code || text.charCodeAt(at + 2) !== code) return false;
  const next = text.charCodeAt(at + 3);
  return Number.isNaN(next) || next === SPACE || next === TAB || next === LF || next === CR;
}

/** Whether a line has more than spaces and a comment: the blanks before it are looked at a second time. */
function hasContent(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB) at += 1;
  const code = text.charCodeAt(at);
  return !Number.isNaN(code) && code !== LF && code !== CR && code !== HASH;
}

function isForeign(code: number): boolean {
  if (code < SPACE) return code !== TAB;
  if (code < DELETE) return false;
  return code <= LAST_CONTROL || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR || code >= NO_CHARACTER;
}

function foreignText(code: number): string {
  if (code !== NEXT_LINE && code !== LINE_SEPARATOR && code !== PARAGRAPH_SEPARATOR) {
    return "has a control character, which YAML does not: write it as an escape in double quotes";
  }
  return "has U+0085, U+2028 or U+2029, which Kubernetes takes for the end of a line: write it as an escape in double quotes";
}
