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

const PAGE_COLUMNS = 120;

/** A paragraph, its lines as long as a page is wide, as `deno fmt` wants it. */
export function paragraph(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1) ?? ""} ${word}`.trimStart();
    if (lines.length > 0 && longer.length > PAGE_COLUMNS) lines.push(word);
    else lines.splice(-1, 1, longer);
  }
  return lines.join("\n");
}
