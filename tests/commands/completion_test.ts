import assert from "node:assert/strict";
import { called } from "./called.ts";

/** What bash offers where the cursor is, at the end of each line. */
async function offered(lines: readonly string[]): Promise<readonly string[]> {
  const { output } = await called("completion bash");
  const asked = lines.map((line) => {
    const words = line.split(" ");
    return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${
      words.length - 1
    }; _brokkr_broker; ` +
      'echo "${COMPREPLY[*]}"';
  });
  const bash = new Deno.Command("bash", { args: ["--norc", "-c", [output, ...asked].join("\n")], stderr: "piped" });
  const { stdout, stderr } = await bash.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

Deno.test("completion: bash offers commands, their second words, their own flags, and what a flag may be", async () => {
  const offers = await offered([
    "brokkr-broker ro",
    "brokkr-broker get ",
    "brokkr-broker create ",
    "brokkr-broker delete ",
    "brokkr-broker delete stack --y",
    "brokkr-broker apply --f",
    "brokkr-broker get agents --w",
    "brokkr-broker apply --wait h",
    "brokkr-broker get agents -o ",
    "brokkr-broker completion ",
  ]);

  assert.deepEqual(offers, [
    "rollback rotate",
    "agents stacks generators deliveries",
    "agent generator",
    "stack agent generator",
    "--yes",
    "--filename",
    "--watch",
    "healthy",
    "table json yaml",
    "bash zsh fish",
  ]);
});
