import { type Colour, cut, padded, type Paint, plain, widthOf } from "./text.ts";

/** What stands in one place of a table. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

/** A column of a table of items. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T, nowMs: number) => Cell | string;
  /** Whether it changes as time goes by, and with nothing else. */
  readonly isAge?: true;
}

/** How a table is drawn. */
export interface TableOptions {
  readonly paint: Paint;
  readonly nowMs: number;
  /** Columns of the terminal; none where nothing must be cut. */
  readonly width?: number | undefined;
}

const GAP = "  ";
const NARROWEST = 5;
/** A column is left out, the last first, where not even so much of each has room. */
const LEGIBLE = 10;

/** The table's lines, titles first. */
export function tableLines<T>(items: readonly T[], columns: readonly Column<T>[], options: TableOptions): string[] {
  const { paint, nowMs, width } = options;
  const rows = items.map((item) => cellsOf(item, columns, nowMs));
  const titles = columns.map(({ title }): Cell => ({ text: title, colour: "bold" }));
  const all = [titles, ...rows];
  const natural = columns.map((_, at) => all.reduce((most, row) => Math.max(most, widthOf(row[at]?.text ?? "")), 0));
  const widths = fitted(legible(natural, width), width);
  return all.map((row) => lineOf(row.slice(0, widths.length), widths, paint));
}

/** The texts of a row, those that say an age left out: what differs when something has happened. */
export function lastingTexts<T>(item: T, columns: readonly Column<T>[]): string {
  const lasting = columns.filter(({ isAge }) => isAge !== true);
  return JSON.stringify(cellsOf(item, lasting, 0).map(({ text }) => text));
}

function cellsOf<T>(item: T, columns: readonly Column<T>[], nowMs: number): readonly Cell[] {
  return columns.map(({ cell }) => {
    const made = cell(item, nowMs);
    return typeof made === "string" ? { text: plain(made) } : { ...made, text: plain(made.text) };
  });
}

function legible(widths: readonly number[], total: number | undefined): readonly number[] {
  if (total === undefined) return widths;
  let room = total + GAP.length;
  const kept = widths.findIndex((one) => (room -= Math.min(one, LEGIBLE) + GAP.length) < 0);
  return kept < 0 ? widths : widths.slice(0, Math.max(1, kept));
}

/** The widest columns give way until all fit; none becomes narrower than five characters. */
function fitted(widths: readonly number[], total: number | undefined): readonly number[] {
  const fitting = [...widths];
  if (total === undefined) return fitting;
  const room = total - GAP.length * (widths.length - 1);
  let surplus = fitting.reduce((sum, one) => sum + one, 0) - room;
  while (surplus > 0) {
    const widest = Math.max(...fitting);
    if (widest <= NARROWEST) break;
    const next = Math.max(NARROWEST, ...fitting.filter((one) => one < widest));
    const at = fitting.lastIndexOf(widest);
    const less = Math.min(surplus, Math.max(1, Math.ceil((widest - next) / 2)));
    fitting[at] = widest - less;
    surplus -= less;
  }
  return fitting;
}

function lineOf(row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const last = row.length - 1;
  return row.map(({ text, colour }, at) => {
    const shown = cut(text, widths[at] ?? 0);
    const painted = paint(shown, colour);
    return at === last ? painted : painted + padded("", (widths[at] ?? 0) - widthOf(shown));
  }).join(GAP).trimEnd();
}
