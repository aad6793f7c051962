import type { Source, Violation } from "./source.ts";

/** Columns that a line with a comment may have: the formatter wraps code, and leaves comments as they are. */
const COLUMNS_MAX = 120;
/** A line that is a comment, or ends with one. */
const COMMENT = /^\s*(?:\/\*\*|\*|\/\/)(?:\s|$)|[;,{}()\]]\s+\/\/\s/;

/** Comments that run past the last column. */
export function commentViolations({ path, text }: Source): Violation[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.length <= COLUMNS_MAX || !COMMENT.test(line)) return [];
    const message =
      `a comment runs to column ${line.length}: nobody reads past ${COLUMNS_MAX}, and the formatter wraps ` +
      "no comments; wrap it";
    return [{ path, line: index + 1, message }];
  });
}
