import type { Operation, SqlFragment, SqlValue } from "$lib/database.ts";

const COUNTED = new Set<string>(["select", "insert", "update", "delete"] satisfies Operation[]);
/** Comments, string literals, quoted names, dollar-quoted texts, words, parentheses, commas; the rest is skipped. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*'?|"[^"]*"?|\$([a-z_]*)\$[\s\S]*?(?:\$\1\$|$)|\$\d|[a-z_][a-z0-9_$]*|[(),]/gi;
const VALUE = "$1";

/** What a text says: an operation, `other` for one that is not counted, `fragment` when only a fragment can tell. */
export type Verdict = Operation | "other" | "fragment";

/**
 * Tells the operation of a statement by its main verb, once for each place in the code that holds a statement.
 *
 * @returns `undefined` for what is not counted: transaction control, DDL, `set`, `listen`, `values`, `call`.
 */
export function operations(): (piece: TemplateStringsArray, values: readonly SqlValue[]) => Operation | undefined {
  const known = new WeakMap<TemplateStringsArray, Verdict>();
  return (piece, values) => {
    let verdict = known.get(piece);
    if (verdict === undefined) known.set(piece, verdict = verdictOf(piece.join(VALUE)));
    if (verdict === "fragment") verdict = verdictOf(flattened(piece, values));
    return verdict === "other" || verdict === "fragment" ? undefined : verdict;
  };
}

/** The whole text, its fragments put in place: needed only when a statement's verb stands in a fragment. */
function flattened(piece: readonly string[], values: readonly SqlValue[]): string {
  return piece.map((text, i) => text + (i < values.length ? textOf(values[i]) : "")).join("");
}

function textOf(value: SqlValue | undefined): string {
  return isFragment(value) ? flattened(value.piece, value.values) : VALUE;
}

/** Whether a value is a piece of SQL. */
export function isFragment(value: unknown): value is SqlFragment {
  return typeof value === "object" && value !== null && "fragment" in value;
}

function verdictOf(text: string): Verdict {
  return verdictOfTokens(tokensOf(text));
}

/** What the words of a text say. */
export function verdictOfTokens(tokens: readonly string[]): Verdict {
  const first = tokens.find((token) => token !== "(");
  if (first === "with") return verdictAfterWith(tokens);
  return verdictOfWord(first);
}

/** The main verb of `with a as (…), b as (…) verb …`: the first that follows a closing parenthesis, outside of all. */
function verdictAfterWith(tokens: readonly string[]): Verdict {
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (token === "(") depth += 1;
    if (token === ")") depth -= 1;
    if (depth !== 0 || tokens[i - 1] !== ")") continue;
    const verdict = verdictOfWord(token);
    if (verdict !== "other") return verdict;
  }
  return "other";
}

function verdictOfWord(word: string | undefined): Verdict {
  if (word === VALUE) return "fragment";
  return word !== undefined && COUNTED.has(word) ? word as Operation : "other";
}

/** Words, quoted names, parentheses and commas, in lower case; of what stands between them nothing. */
export function tokensOf(text: string): string[] {
  const tokens = text.match(TOKEN) ?? [];
  return tokens.filter((token) => !/^(--|\/\*|')/.test(token)).map((token) => token.toLowerCase());
}
