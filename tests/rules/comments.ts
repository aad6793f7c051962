import type { Source, Violation } from "./source.ts";

/** Columns that a line with a comment may have: the formatter wraps code, and leaves comments and SQL. */
const COLUMNS_MAX = 120;
/** A line that is a comment, or ends with one. */
const COMMENT = /^\s*(?:\/\*\*|\*|\/\/)(?:\s|$)|[;,{}()\]]\s+\/\/\s/;
/** Where a line that the formatter left long is one of SQL. */
const SQL = /^broker\/store\/(?!.*_test\.ts$)/;

/** Comments, and lines of SQL, that run past the last column. */
export function commentViolations({ path, text }: Source): Violation[] {
  return text.split("\n").flatMap((line, index) => {
    const isOurs = COMMENT.test(line) || SQL.test(path);
    if (line.length <= COLUMNS_MAX || !isOurs) return [];
    const message =
      `a comment, or SQL, runs to column ${line.length}: nobody reads past ${COLUMNS_MAX}, and the formatter wraps ` +
      "neither; wrap it";
    return [{ path, line: index + 1, message }];
  });
}
