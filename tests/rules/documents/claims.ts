import type { Violation } from "../source.ts";
import type { Known } from "./known.ts";
import type { Literal, Page } from "./page.ts";

/** Finds what a literal names that isn't there: each as the end of a sentence. */
type Check = (text: string, known: Known) => string[];

const CHECKS: readonly Check[] = [tasks, variables, settings, flags, metrics, paths, commands];
const SECTIONS = "database|broker|agent|agents|metrics|log|cors|otlp|tracing";
/** Names that look like metrics: labels, keys, the projects' own names. */
const NO_METRICS = /^(brokkr_BR|deno_version$|deno_dir$|process_metrics$)/;

/** What a page names literally, in code, that the repository doesn't have. */
export function claimViolations(page: Page, known: Known): Violation[] {
  return page.literals.flatMap((literal) => violationsOf(literal, page.path, known));
}

function violationsOf({ text, line }: Literal, path: string, known: Known): Violation[] {
  return CHECKS.flatMap((check) => check(text, known)).map((missing) => ({
    path,
    line,
    message: `names ${missing}, which doesn't exist: a document that misleads is worse than none`,
  }));
}

function tasks(text: string, { tasks }: Known): string[] {
  return unknown(text, /\bdeno(?:@[\d.]+)? task ([a-z:]+)/g, tasks, "the task");
}

function variables(text: string, { variables }: Known): string[] {
  return unknown(text, /\b(BROKKR_[A-Z_]*[A-Z])\b/g, variables, "the variable");
}

function settings(text: string, { settings }: Known): string[] {
  const isKey = new RegExp(`^((?:${SECTIONS})\\.(?!(?:ts|md)$)[a-z_]+)(?: ?=.*)?$`);
  return unknown(text, isKey, settings, "the setting");
}

/** Flags are checked where they look like settings: other programs have flags too. */
function flags(text: string, { flags }: Known): string[] {
  return unknown(text, new RegExp(`(?<![\\w-])(--(?:${SECTIONS}|print)-[a-z-]+)`, "g"), flags, "the flag");
}

function metrics(text: string, { metrics }: Known): string[] {
  const named = [...text.matchAll(/\b((?:brokkr|process|deno)_[a-zA-Z_]+)(?![\w<*…/.-])/g)].map(([, name = ""]) =>
    name
  );
  return missing(named.filter((name) => !NO_METRICS.test(name)), metrics, "the metric");
}

/** What PromQL matches labels with: no path, though it may begin like one. */
const PATTERNS = /[=!]~"[^"]*"/g;

function paths(text: string, { endpoints }: Known): string[] {
  const named = [
    ...text.replaceAll(PATTERNS, "").matchAll(
      /(\/api\/v1\/[^\s"'`?|,;)\]]*|(?<![\w./])\/(?:healthz|readyz|metrics|docs)[\w./]*)/g,
    ),
  ];
  return named.map(([path]) => path).filter((path) => !endpoints.some((known) => isPath(path, known)))
    .map((path) => `the path "${path}"`);
}

/** Any segment may stand where the template has a parameter: an id, a variable of the shell, an ellipsis. */
function isPath(path: string, template: string): boolean {
  const [said, asked] = [path, template].map((one) => one.replace(/[/.]$/, "").split("/"));
  if (said === undefined || asked === undefined || said.length !== asked.length) return false;
  return asked.every((segment, index) => segment === said[index] || (segment.startsWith("{") && said[index] !== ""));
}

function commands(text: string, { commands }: Known): string[] {
  return [...commands].flatMap(([program, known]) => {
    const called = [...text.matchAll(new RegExp(`(?<![\\w/-])${program}((?: [a-z][a-z-]*)+)(?![\\w/-])`, "g"))];
    return called.map(([, words = ""]) => words.trim()).filter((words) => !startsWithOne(words, known))
      .map((words) => `the command "${program} ${words}"`);
  });
}

function startsWithOne(words: string, commands: readonly string[]): boolean {
  return commands.some((command) => words === command || words.startsWith(`${command} `));
}

function unknown(text: string, pattern: RegExp, known: ReadonlySet<string>, kind: string): string[] {
  const found = pattern.global ? [...text.matchAll(pattern)] : [pattern.exec(text) ?? []];
  return missing(found.flatMap(([, name]) => name === undefined ? [] : [name]), known, kind);
}

function missing(named: readonly string[], known: ReadonlySet<string>, kind: string): string[] {
  return [...new Set(named)].filter((name) => !known.has(name)).map((name) => `${kind} "${name}"`);
}
