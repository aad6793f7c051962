/** The first line of every generated page, so that nobody edits it by hand. */
export const GENERATED = "<!-- Written by `deno task docs` from the code. Don't edit it by hand. -->";

/** A Markdown table, its columns as wide as their widest cell, as `deno fmt` wants it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [first = [], ...rest] = cells;
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n");
}

/** A text as inline code. */
export function code(text: string): string {
  return `\`${text}\``;
}
