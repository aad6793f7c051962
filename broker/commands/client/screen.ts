import type { OutputStream } from "$lib/terminal.ts";
import { cut, widthOf } from "./text.ts";

const ESCAPE = "\x1b[";

/** Whether lines can be drawn over: on a terminal that moves its cursor. */
export function canRedraw({ isTerminal }: OutputStream, env: Readonly<Record<string, string>>): boolean {
  return isTerminal && env.TERM !== "dumb";
}

/** What stands before the reason why nothing newer is drawn. */
export const OF_BEFORE = "What follows is of before";

/**
 * Lines that are drawn over and over in the same place of a terminal. They are cut to its width and height as these are
 * at each drawing, and what was drawn before is taken away whole, though the window may have become narrower since.
 */
export class Screen {
  readonly #stream: OutputStream;
  #drawn: readonly number[] = [];

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  /** How many lines, and of how many characters, it has room for. */
  get size(): { readonly columns: number; readonly rows: number } {
    return this.#stream.size() ?? { columns: 80, rows: 24 };
  }

  draw(lines: readonly string[]): void {
    const { columns, rows } = this.size;
    const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => fitting(line, columns));
    this.#stream.write(`${this.#erased(columns)}${shown.map((line) => `${line}\n`).join("")}`);
    this.#drawn = shown.map(widthOf);
  }

  /** Takes away what was drawn. */
  clear(): void {
    this.#stream.write(this.#erased(this.size.columns));
    this.#drawn = [];
  }

  #erased(columns: number): string {
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return rows === 0 ? "" : `${ESCAPE}${rows}A\r${ESCAPE}J`;
  }
}

const COLOUR = /(\p{Cc}\[\d{0,3}m)/u;

/** As much of a line as has room, with every colour that it has: the last one ends them. */
function fitting(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let room = columns;
  return line.split(COLOUR).map((piece) => {
    if (piece.startsWith(ESCAPE)) return piece;
    const shown = cut(piece, room);
    room -= widthOf(shown);
    return shown;
  }).join("");
}
