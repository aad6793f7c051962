import type { Attributes } from "@opentelemetry/api";
import type { SqlValue } from "$lib/database.ts";
import { isFragment, tokensOf, verdictOfTokens } from "./operation.ts";

/** How a span names a statement, and what it says of it. */
export interface StatementDescription {
  readonly name: string;
  readonly attributes: Attributes;
}

/**
 * What a statement's text says, by OpenTelemetry's conventions: its operation, the tables it names and the text itself,
 * with `$1` where a value stands. Of several tables there is a summary, and then that is the span's name: statements
 * stand in the code, so that there are few of them.
 */
export function describeStatement(piece: readonly string[], values: readonly SqlValue[]): StatementDescription {
  const text = textOf(piece, values);
  const tokens = tokensOf(text);
  const verdict = verdictOfTokens(tokens);
  const operation = (verdict === "other" || verdict === "fragment" ? tokens[0] ?? "" : verdict).toUpperCase();
  const tables = tablesIn(tokens);
  const [only, ...more] = tables;
  const name = [operation, ...tables].join(" ");
  const attributes = { "db.operation.name": operation, "db.query.text": text };
  if (only === undefined) return { name, attributes };
  return more.length === 0
    ? { name, attributes: { ...attributes, "db.collection.name": only } }
    : { name, attributes: { ...attributes, "db.query.summary": name } };
}

/** The text as the server gets it, without what indents its lines. */
function textOf(piece: readonly string[], values: readonly SqlValue[]): string {
  let count = 0;
  const write = (pieces: readonly string[], given: readonly SqlValue[]): string =>
    pieces.map((text, at) => {
      const value = given[at];
      if (at >= given.length) return text;
      return text + (isFragment(value) ? write(value.piece, value.values) : `$${++count}`);
    }).join("");
  return write(piece, values).split("\n").map((line) => line.trim()).filter((line) => line !== "").join("\n");
}

const BEFORE_TABLE = new Set(["from", "join", "into", "update"]);
/** `for update`, `for no key update`, `do update` and `is distinct from` name no table. */
const NO_TABLE_AFTER = new Set(["for", "key", "do", "distinct"]);
/** In their parentheses `from` is a word of their own. */
const WITH_OWN_FROM = new Set(["extract", "substring", "trim", "overlay"]);
/** Behind these the list of tables has ended: their commas part other things. */
const AFTER_TABLES = new Set([
  ...["where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except"],
  ...["returning", "set", "select", "values"],
]);
const PASSED_OVER = new Set(["only", "lateral"]);
const NAME = /^["a-z_]/;

/** The tables and views that a statement names, each once, in the order of the text; what `with` names is none. */
function tablesIn(tokens: readonly string[]): readonly string[] {
  const found = new Set<string>();
  /** What stood before each parenthesis that is open, and whether a list of tables has begun in it. */
  const open = [{ before: "", isList: false }];
  for (const [at, token] of tokens.entries()) {
    const place = open.at(-1);
    if (token === "(") open.push({ before: tokens[at - 1] ?? "", isList: false });
    else if (token === ")") open.pop();
    else if (place !== undefined && AFTER_TABLES.has(token)) place.isList = false;
    else if (place !== undefined && isBeforeTable(tokens, at, place)) {
      place.isList ||= token === "from";
      const table = tableAt(tokens, at + 1);
      if (table !== undefined) found.add(table);
    }
  }
  for (const name of namedByWith(tokens)) found.delete(name);
  return [...found].map((name) => name.replaceAll('"', ""));
}

function isBeforeTable(
  tokens: readonly string[],
  at: number,
  { before, isList }: { readonly before: string; readonly isList: boolean },
): boolean {
  const token = tokens[at] ?? "";
  if (token === ",") return isList;
  return BEFORE_TABLE.has(token) && !NO_TABLE_AFTER.has(tokens[at - 1] ?? "") && !WITH_OWN_FROM.has(before);
}

/** The name at this place: neither a function's nor a query in parentheses. Only `into` has its columns behind it. */
function tableAt(tokens: readonly string[], at: number): string | undefined {
  const name = tokens[at] ?? "";
  if (PASSED_OVER.has(name)) return tableAt(tokens, at + 1);
  const isFunction = tokens[at + 1] === "(" && tokens[at - 1] !== "into";
  return NAME.test(name) && !isFunction ? name : undefined;
}

function namedByWith(tokens: readonly string[]): readonly string[] {
  const isNamed = (at: number) => {
    const [before, next] = [tokens[at - 1], tokens[at + 1]];
    return before === "with" || before === "recursive" || (before === "," && tokens[at - 2] === ")" && next === "as");
  };
  return tokens.filter((token, at) => NAME.test(token) && isNamed(at));
}
