const LINE_FEED = "\n";

/** Finds the lines of offsets in a text; quick for offsets that mostly grow. */
export class LineFinder {
  readonly #text: string;
  readonly #first: number;
  #offset = 0;
  #line: number;

  /** `first` is the line that the text begins with. */
  constructor(text: string, first: number) {
    this.#text = text;
    this.#first = first;
    this.#line = first;
  }

  /** The line of an offset. */
  lineAt(offset: number): number {
    if (offset < this.#offset) [this.#offset, this.#line] = [0, this.#first];
    let next = this.#text.indexOf(LINE_FEED, this.#offset);
    while (next >= 0 && next < offset) {
      this.#line += 1;
      this.#offset = next + 1;
      next = this.#text.indexOf(LINE_FEED, this.#offset);
    }
    return this.#line;
  }
}
