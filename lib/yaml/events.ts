import { CHOMPING_MODE, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { Event, ScalarEvent } from "js-yaml";

/** What all documents of a bundle may have together; it grows less with each. */
export interface Budget {
  /** How many aliases there may still be. */
  aliases: number;
  /** How much they may stand for, in characters of JSON, roughly and on the high side. */
  aliased: number;
  /** How many characters may be parsed again, see {@linkcode parseDocument}. */
  parsedAgain: number;
}

/** What a bundle may have. */
export function newBudget(): Budget {
  return { aliases: ALIASES_MAX, aliased: ALIASED_MAX, parsedAgain: PARSED_AGAIN_MAX };
}

/** Something wrong in a document. */
export interface DocumentFault {
  /** Where it stands in the text that was parsed. */
  readonly offset: number;
  readonly message: string;
}

/** How many mappings and lists may stand in each other. */
export const LEVELS_MAX = 100;
const ALIASES_MAX = 10_000;
const ALIASED_MAX = 8 * 1024 * 1024;
const PARSED_AGAIN_MAX = 32 * 1024 * 1024;
const LINE_FEED = 10;
const QUOTED = /(?: for)? "[^]*$|: [^]*$/;
/** What is said of a document with more levels. */
export const TOO_DEEP = "is nested too deeply";
const NOT_INDENTED = "deficient indentation";
const PADDING = " ".repeat(128);

/** What a document's text consists of, in order. */
export interface Parsed {
  /** What was parsed: the text, with more spaces before some of its lines. */
  readonly text: string;
  readonly events: readonly Event[];
  readonly fault?: DocumentFault;
}

/**
 * Kubernetes lets lines in brackets and quotes begin anywhere, this parser wants them indented (`]` below the key of
 * its `[`, tabs before JSON). Where it says so, spaces are put before that line, which mean nothing there, and the text
 * is parsed again, as often as the budget allows.
 */
export function parseDocument(text: string, budget: Budget): Parsed {
  for (let padded = text;;) {
    try {
      return { text: padded, events: parseEvents(padded, { maxDepth: LEVELS_MAX + 1 }) };
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const { reason, mark: { position } = { position: 0 } } = error;
      const line = 1 + Math.max(padded.lastIndexOf("\n", position - 1), padded.lastIndexOf("\r", position - 1));
      budget.parsedAgain -= padded.length;
      const isFirstOfLine = padded.slice(line, position).trim() === "" && !padded.startsWith(PADDING, line);
      if (reason !== NOT_INDENTED || !isFirstOfLine || budget.parsedAgain < 0) {
        return { text: padded, events: [], fault: { offset: position, message: inWords(reason) } };
      }
      padded = padded.slice(0, line) + PADDING + padded.slice(line);
    }
  }
}

function inWords(reason: string): string {
  if (reason === NOT_INDENTED) return "is no YAML: deficient indentation, or a tab before or in brackets";
  return reason.startsWith("nesting") ? TOO_DEEP : `is no YAML: ${reason.replace(QUOTED, "")}`;
}

/** What a scalar says. The library's own way takes four times as long for a text of many lines, such as a dashboard. */
export function scalarText(text: string, scalar: ScalarEvent): string {
  const { style, valueStart, valueEnd, indent, chomping } = scalar;
  const isPlainBlock = style === SCALAR_STYLE.LITERAL_BLOCK && indent > 0 && valueEnd > valueStart;
  if (!isPlainBlock || text.slice(valueStart, valueEnd).includes("\r")) return getScalarValue(text, scalar);
  const lines = unindented(text, scalar);
  if (chomping === CHOMPING_MODE.KEEP) return lines;
  const end = endWithoutBreaks(lines);
  return chomping === CHOMPING_MODE.STRIP || end === 0 ? lines.slice(0, end) : lines.slice(0, end + 1);
}

/** The lines of a block, each with its end, without the spaces before them. */
function unindented(text: string, { valueStart, valueEnd, indent }: ScalarEvent): string {
  let lines = "";
  for (let at = valueStart; at < valueEnd;) {
    const found = text.indexOf("\n", at);
    const end = found < 0 || found >= valueEnd ? valueEnd : found;
    lines += text.slice(Math.min(at + indent, end), end) + "\n";
    at = end + 1;
  }
  return lines;
}

function endWithoutBreaks(lines: string): number {
  let end = lines.length;
  while (lines.charCodeAt(end - 1) === LINE_FEED) end -= 1;
  return end;
}
