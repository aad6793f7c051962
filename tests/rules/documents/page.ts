import GithubSlugger from "github-slugger";
import { fromMarkdown } from "mdast-util-from-markdown";

const ROOT = new URL("../../../", import.meta.url);
const SINGLE_PAGES = ["README.md", "CONTRIBUTING.md"];
const FOLDERS = ["docs/content", "docs/decisions", "charts", ".github"];

/** A piece of a page that is taken literally: code in a line, or one line of a block of code. */
export interface Literal {
  readonly text: string;
  readonly line: number;
}

/** A link, as the page has it. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

/** A table: how many columns of a screen it takes where no cell is broken into lines. */
export interface Table {
  readonly columns: number;
  readonly line: number;
}

/** One document, as far as its claims can be checked. */
export interface Page {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly literals: readonly Literal[];
  readonly links: readonly Link[];
  readonly tables: readonly Table[];
  /** What a link can point at within the page. */
  readonly anchors: ReadonlySet<string>;
  readonly headings: readonly string[];
  /** The words under the title. */
  readonly opening: string;
}

type Node = ReturnType<typeof fromMarkdown> | ReturnType<typeof fromMarkdown>["children"][number];

/** Reads a text as the page at `path`. */
export function pageOf(path: string, text: string): Page {
  const nodes = [...walk(fromMarkdown(text))];
  const headings = nodes.filter((node) => node.type === "heading").map(textOf);
  const slugger = new GithubSlugger();
  return {
    path,
    headings,
    anchors: new Set(headings.map((heading) => slugger.slug(heading))),
    literals: nodes.flatMap(literalsOf),
    links: nodes.flatMap((node) => node.type === "link" ? [{ target: node.url, line: lineOf(node) }] : []),
    tables: nodes.flatMap((node) => tablesOf(node, text)),
    opening: textOf(nodes.find((node) => node.type === "paragraph")),
  };
}

/** Every document that people read: those of the repository's root, `docs/`, and the charts'. */
export async function allPages(): Promise<readonly Page[]> {
  const paths = [...SINGLE_PAGES];
  for (const folder of FOLDERS) await collect(folder, paths);
  return await Promise.all(paths.map(async (path) => pageOf(path, await Deno.readTextFile(new URL(path, ROOT)))));
}

async function collect(folder: string, paths: string[]): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) await collect(`${folder}/${name}`, paths);
    else if (name.endsWith(".md")) paths.push(`${folder}/${name}`);
  }
}

function* walk(node: Node): Generator<Node> {
  yield node;
  if (!("children" in node)) return;
  for (const child of node.children) yield* walk(child);
}

function literalsOf(node: Node): Literal[] {
  if (node.type === "inlineCode") return [{ text: node.value, line: lineOf(node) }];
  if (node.type !== "code") return [];
  const first = lineOf(node) + (node.lang === null ? 0 : 1);
  return node.value.split("\n").map((text, index) => ({ text, line: first + index }));
}

/** Tables are no Markdown of their own to this reader: a paragraph whose lines begin with a bar is one. */
function tablesOf(node: Node, text: string): Table[] {
  if (node.type !== "paragraph") return [];
  const source = text.slice(node.position?.start.offset, node.position?.end.offset);
  if (!source.startsWith("|")) return [];
  const rows = source.split("\n").map((row) => row.trim()).filter((row) => !/^\|[-:| ]+\|$/.test(row));
  const cells = rows.map((row) => row.split(/(?<!\\)\|/).slice(1, -1).map(shownWidth));
  const widths = cells[0]?.map((_, at) => Math.max(...cells.map((row) => row[at] ?? 0))) ?? [];
  return [{ columns: widths.reduce((sum, width) => sum + width + 3, 1), line: lineOf(node) }];
}

/** How wide a cell is where a link shows its text alone. */
function shownWidth(cell: string): number {
  return cell.trim().replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").length;
}

function textOf(node: Node | undefined): string {
  if (node === undefined) return "";
  return [...walk(node)].map((one) => one.type === "text" || one.type === "inlineCode" ? one.value : "").join("");
}

function lineOf({ position }: Node): number {
  return position?.start.line ?? 0;
}
