import { fromMarkdown } from "mdast-util-from-markdown";

/** What a reader does next: type into the first terminal, or start, end or start again what has one of its own. */
export type Step =
  & { readonly line: number }
  & (
    | { readonly kind: "type"; readonly commands: string; readonly shown: string | undefined }
    | {
      readonly kind: "start";
      readonly terminal: string;
      readonly commands: string;
      readonly shown: string | undefined;
    }
    | { readonly kind: "end" | "again"; readonly terminal: string }
  );

const TERMINAL = /^terminal=(\w+)$/;
const INSTRUCTION = /^<!-- (Ctrl-C|again): (\w+) -->$/;

/**
 * The steps of a page, in its order. A `sh` block is typed into the first terminal, one with `terminal=<name>` into a
 * terminal of its own, where it stays. A `text` block is what the block before it shows. `<!-- Ctrl-C: <name> -->` ends
 * what runs in a terminal, `<!-- again: <name> -->` repeats its commands.
 *
 * @throws {Error} When a `text` block follows no commands.
 */
export function stepsOf(markdown: string): readonly Step[] {
  const steps: Step[] = [];
  for (const node of fromMarkdown(markdown).children) {
    const line = node.position?.start.line ?? 0;
    if (node.type === "html") steps.push(...instruction(node.value, line));
    if (node.type !== "code") continue;
    if (node.lang === "sh") steps.push(commandStep(node.value, node.meta ?? "", line));
    if (node.lang === "text") steps.push(withShown(steps.pop(), node.value, line));
  }
  return steps;
}

function instruction(text: string, line: number): Step[] {
  const [, what, terminal] = INSTRUCTION.exec(text) ?? [];
  if (terminal === undefined) return [];
  return [{ kind: what === "again" ? "again" : "end", terminal, line }];
}

function commandStep(commands: string, meta: string, line: number): Step {
  const [, terminal] = TERMINAL.exec(meta) ?? [];
  if (terminal === undefined) return { kind: "type", commands, shown: undefined, line };
  return { kind: "start", terminal, commands, shown: undefined, line };
}

function withShown(step: Step | undefined, shown: string, line: number): Step {
  if (step?.kind === "type" || step?.kind === "start") return { ...step, shown };
  throw new Error(`line ${line}: what is shown follows no commands`);
}
