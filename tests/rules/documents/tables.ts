import project from "../../../deno.json" with { type: "json" };
import type { Violation } from "../source.ts";
import type { Page } from "./page.ts";

const { lineWidth } = project.fmt;

/** Tables that are wider than a page: on paper, and in a narrow window, their rows can't be read. */
export function tableViolations({ path, tables }: Page): Violation[] {
  return tables.filter(({ columns }) => columns > lineWidth).map(({ columns, line }) => ({
    path,
    line,
    message: `has a table of ${columns} columns of text, and a page has ${lineWidth}: make a list of it`,
  }));
}
