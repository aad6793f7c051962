import { fromMarkdown } from "mdast-util-from-markdown";

const ROOT = new URL("../../", import.meta.url);

/** A fenced block of a page: what a reader copies. */
export interface Block {
  readonly text: string;
  readonly language: string;
  /** The page and the line, for messages. */
  readonly where: string;
}

type Node = ReturnType<typeof fromMarkdown>["children"][number];

/** The fenced blocks of a document of this repository, in its order; those in lists too. */
export async function blocksOf(path: string): Promise<readonly Block[]> {
  const { children } = fromMarkdown(await Deno.readTextFile(new URL(path, ROOT)));
  return children.flatMap(codeIn).map(({ value, lang, line }) => ({
    text: `${value}\n`,
    language: lang,
    where: `${path}:${line}`,
  }));
}

function codeIn(node: Node): { readonly value: string; readonly lang: string; readonly line: number }[] {
  if (node.type === "code") return [{ value: node.value, lang: node.lang ?? "", line: node.position?.start.line ?? 0 }];
  return "children" in node ? node.children.flatMap(codeIn) : [];
}

/** The commands of `sh` blocks, each with its continued lines and what it is fed. */
export function commandsOf(blocks: readonly Block[]): readonly string[] {
  const shell = blocks.filter(({ language }) => language === "sh").map(({ text }) => text).join("");
  return [...shell.matchAll(/^.*<<'(\w+)'\n[^]*?\n\1$|^(?:.*\\\n)*.+$/gm)].map(([command]) => command);
}
