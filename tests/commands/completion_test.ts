import assert from "node:assert/strict";
import { called } from "./called.ts";

/** What a shell offers where the cursor is, at the end of each line. */
async function offered(lines: readonly string[], shell: keyof typeof SHELLS = "bash"): Promise<readonly string[]> {
  const { output } = await called(`completion ${shell}`);
  const asked = lines.map((line) => {
    const words = line.split(" ");
    return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${
      words.length - 1
    }; _brokkr_broker; ` +
      'echo "${COMPREPLY[*]}"';
  });
  const { program, args, before } = SHELLS[shell];
  const script = [before, output, ...asked].join("\n");
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args, script], stderr: "piped" }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

/** How each is told a script; in zsh, its functions for bash's completion count from 0 as bash does. */
const SHELLS = {
  bash: { program: "bash", args: ["--norc", "-c"], before: "" },
  zsh: { program: "zsh", args: ["-f", "-c"], before: "autoload -U compinit; compinit -D -u; setopt ksharrays" },
} as const;
const hasZsh = await Deno.stat("/usr/bin/zsh").then(() => true, () => false);

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
    "brokkr-broker apply --wait =",
    "brokkr-broker get agents --output = y",
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
    "applied healthy",
    "yaml",
  ]);
});

Deno.test({
  name: "completion: zsh offers the same by the same function",
  ignore: !hasZsh,
  async fn() {
    const lines = ["brokkr-broker ro", "brokkr-broker get agents --w", "brokkr-broker apply --wait h"];

    const [words = "", flags = "", goals] = await offered(lines, "zsh"); // zsh itself picks by what is typed

    assert.match(words, /\brollback\b.*\brotate\b/);
    assert.match(flags, /^--output --watch /);
    assert.equal(goals, "applied healthy");
  },
});

Deno.test("completion: what zsh shares with bash has no part of a list from a name on, which zsh takes for a modifier", async () => {
  const { output } = await called("completion zsh");

  assert.deepEqual(output.match(/\$\{[^}]*:[A-Z]/g), null);
  assert.match(output, /\$\{COMP_WORDS\[\*\]:1:\$\(\(/);
});
