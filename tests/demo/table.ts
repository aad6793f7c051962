/** Lines of aligned columns, the head underlined. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  const [first = "", ...rest] = all.map(line);
  return [first, widths.map((width) => "─".repeat(width)).join("──"), ...rest];
}

/** Milliseconds as seconds with one decimal, for people. */
export function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
