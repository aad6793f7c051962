import ts from "typescript";

/** One TypeScript file of the repository, parsed. */
export interface Source {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** A broken rule: where, what, and in the same breath why it is a rule and what to do. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const ROOT = new URL("../../", import.meta.url);
const ROOMS = ["broker", "agent", "lib", "tests", "docs"];

/** Parses a text as if it were the file at `path`: what the rules' own tests do. */
export function sourceOf(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

let all: Promise<readonly Source[]> | undefined;

/** Every TypeScript file of the repository; they are parsed once. */
export function allSources(): Promise<readonly Source[]> {
  return all ??= readAll();
}

async function readAll(): Promise<readonly Source[]> {
  const sources: Source[] = [];
  for (const room of ROOMS) await collect(room, sources);
  return sources;
}

async function collect(folder: string, sources: Source[]): Promise<void> {
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await collect(path, sources);
    else if (/\.tsx?$/.test(path)) sources.push(sourceOf(path, await Deno.readTextFile(new URL(path, ROOT))));
  }
}

/** The line of a node, counted from 1. */
export function lineOf({ tree }: Source, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** Calls `visit` for every node of the file. */
export function walk(source: Source, visit: (node: ts.Node) => void): void {
  function step(node: ts.Node): void {
    visit(node);
    ts.forEachChild(node, step);
  }
  step(source.tree);
}

/** Whether the file is a test or belongs to the tests: some rules are for the product alone. */
export function isTest(path: string): boolean {
  return path.startsWith("tests/") || path.endsWith("_test.ts");
}

/** Violations as the text of a failing test. */
export function report(violations: readonly Violation[]): string {
  return violations.map(({ path, line, message }) => `${path}:${line}: ${message}`).join("\n");
}
