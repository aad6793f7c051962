import { alignedTable } from "../../demo/table.ts";

/** One measured figure beside what it may be. */
export interface Line {
  readonly what: string;
  readonly who: string;
  /** With its unit. */
  readonly figure: string;
  /** To what the line is about. */
  readonly ratio?: number;
  /** What the ratio, or else the figure itself, is held to. */
  readonly limit?: Limit;
}

/** At most, or at least, a number; `of` is what is held to it. */
export interface Limit {
  readonly is: "≤" | "≥";
  readonly value: number;
  readonly of: number;
}

/** Whether the line's limit, where it has one, is held. */
export function isHeld({ limit }: Line): boolean {
  if (limit === undefined) return true;
  return limit.is === "≤" ? limit.of <= limit.value : limit.of >= limit.value;
}

/** The lines as people read them. */
export function table(lines: readonly Line[]): readonly string[] {
  const rows = lines.map((line, at) => [
    line.what === lines[at - 1]?.what ? "" : line.what,
    ...[line.who, line.figure, line.ratio?.toPrecision(3) ?? "", limitText(line), isHeld(line) ? "" : "NOT HELD"],
  ]);
  return alignedTable(["", "", "median", "ratio", "limit", ""], rows);
}

/** What is wrong, in one sentence. */
export function faultText({ what, who, limit }: Line): string {
  return `${what}, ${who}: ${limit?.of.toPrecision(3)} is not ${limit?.is} ${limit?.value.toPrecision(3)}`;
}

function limitText({ limit }: Line): string {
  return limit === undefined ? "" : `${limit.is} ${limit.value.toPrecision(3)}`;
}
