import assert from "node:assert/strict";
import { Reader } from "./reader.ts";
import { stepsOf } from "./script.ts";

function page(...blocks: readonly string[]): string {
  return `# A page\n\n${blocks.join("\n\n")}\n`;
}

async function follow(text: string): Promise<void> {
  await using reader = new Reader({});
  for (const step of stepsOf(text)) await reader.follow(step);
}

Deno.test("stepsOf() reads what to type, what is shown, and what to do in other terminals", () => {
  const text = page(
    "```sh\none\n```",
    "```text\n1\n```",
    "```sh terminal=a\ntwo\n```",
    "<!-- Ctrl-C: a -->",
    "```yaml\nx\n```",
  );

  assert.deepEqual(stepsOf(text), [
    { kind: "type", commands: "one", shown: "1", line: 3 },
    { kind: "start", terminal: "a", commands: "two", shown: undefined, line: 11 },
    { kind: "end", terminal: "a", line: 15 },
  ]);
});

Deno.test("stepsOf() refuses a text that no command shows", () => {
  assert.throws(() => stepsOf(page("```text\n1\n```")), /line 3: what is shown follows no commands/);
});

Deno.test("Reader keeps what was typed, and starts, ends and repeats what has a terminal of its own", async () => {
  await follow(page(
    "```sh\nX=1\n```",
    "```sh\necho $X\n```",
    "```text\n1\n```",
    "```sh terminal=a\necho started; sleep 60\n```",
    "```text\nstarted\n```",
    "<!-- Ctrl-C: a -->",
    "<!-- again: a -->",
  ));
});

Deno.test("Reader stops at a command that fails, naming its line", async () => {
  await assert.rejects(
    follow(page("```sh\ntrue\n```", "```sh\nfalse\n```")),
    /^Error: line 7 of the page: a command failed/,
  );
});

Deno.test("Reader stops where something else is shown than the page says", async () => {
  await assert.rejects(
    follow(page("```sh\necho 1\n```", "```text\n2\n```")),
    /line 3 of the page: shows\n1\nand the page says\n2/,
  );
});
