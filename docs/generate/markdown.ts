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
const INDENT = 2;

/** A paragraph, its lines as long as a page is wide, as `deno fmt` wants it: it breaks none within code. */
export function paragraph(text: string): string {
  return linesOf(text, PAGE_COLUMNS).join("\n");
}

/** A list, for what a table would be too wide for: each item a term, and what is said of it. */
export function list(items: readonly (readonly [term: string, text: string])[]): string {
  return items.map(([term, text]) => `- ${linesOf(`${term}: ${text}`, PAGE_COLUMNS - INDENT).join("\n  ")}`).join("\n");
}

function linesOf(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const longer = `${lines.at(-1) ?? ""} ${word}`.trimStart();
    if (lines.length > 0 && longer.length > columns) lines.push(word);
    else lines.splice(-1, 1, longer);
  }
  return lines;
}
