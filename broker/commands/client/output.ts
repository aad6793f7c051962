import type { Terminal } from "$lib/terminal.ts";
import type { Format } from "./flags.ts";
import { type Column, tableLines } from "./table.ts";
import { painterFor } from "./text.ts";

/** What answers are written with. */
export interface OutputParts {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string>>;
}

/** A list to show: each item as the API has it, and as the columns read it. */
export interface Shown<T> {
  readonly raw: readonly unknown[];
  readonly items: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly nowMs: number;
  /** What is said where there is none, such as `no agents`. */
  readonly none: string;
  /** What is said beside it: that there is more. */
  readonly note?: string | undefined;
}

/** Writes a list to standard output. */
export async function writeList<T>(shown: Shown<T>, format: Format, parts: OutputParts): Promise<void> {
  const { terminal } = parts;
  if (shown.note !== undefined) terminal.notes.write(`${shown.note}\n`);
  if (format !== "table") return terminal.output.write(await textOf(shown.raw, format));
  if (shown.items.length === 0) return terminal.notes.write(`${shown.none}\n`);
  terminal.output.write(listLines(shown, parts).map((line) => `${line}\n`).join(""));
}

/** A list as lines of a table, cut to the terminal's width. */
export function listLines<T>(
  { items, columns, nowMs }: Pick<Shown<T>, "items" | "columns" | "nowMs">,
  { terminal: { output }, env }: { readonly terminal: Pick<Terminal, "output">; readonly env: OutputParts["env"] },
): readonly string[] {
  return tableLines(items, columns, { paint: painterFor(output, env), nowMs, width: output.size()?.columns });
}

/** A value as a text that programs read. */
export async function textOf(value: unknown, format: Exclude<Format, "table">): Promise<string> {
  if (format === "json") return `${JSON.stringify(value, undefined, 2)}\n`;
  const { dump } = await import("js-yaml");
  return dump(value, { lineWidth: -1, noRefs: true });
}
