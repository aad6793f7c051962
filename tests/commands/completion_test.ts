import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { locateZsh } from "../zsh/binaries.ts";
import { called } from "./called.ts";

/** What a shell offers where the cursor is, at the end of each line. */
async function offered(lines: readonly string[], shell: Shell = BASH): Promise<readonly string[]> {
  const { name, program, args, before } = shell;
  const { output } = await called(`completion ${name}`);
  const asked = lines.map((line) => {
    const words = line.split(" ");
    return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${
      words.length - 1
    }; _brokkr_broker; ` +
      'echo "${COMPREPLY[*]}"';
  });
  const script = [before, output, ...asked].join("\n");
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args, script], stderr: "piped" }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

/** How a shell is given a script. */
interface Shell {
  readonly name: "bash" | "zsh";
  readonly program: string;
  readonly args: readonly string[];
  /** Goes before the script of the completion. */
  readonly before: string;
}

const BASH: Shell = { name: "bash", program: "bash", args: ["--norc", "-c"], before: "" };

/** Its functions for bash's completion count from 0 as bash does. */
function zsh(): Shell {
  const found = locateZsh();
  if (found === undefined) throw new Error("Cannot run zsh: it is not on this machine; see testWith()");
  const paths = `module_path=(${found.modules}); fpath=(${found.functions}/*(/N))`;
  const before = `${paths}; autoload -U compinit; compinit -D -u; setopt ksharrays`;
  return { name: "zsh", program: found.zsh, args: ["-f", "-c"], before };
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

testWith("zsh", "completion: zsh offers the same by the same function", async () => {
  const lines = ["brokkr-broker ro", "brokkr-broker get agents --w", "brokkr-broker apply --wait h"];

  const [words = "", flags = "", goals] = await offered(lines, zsh()); // zsh itself picks by what is typed

  assert.match(words, /\brollback\b.*\brotate\b/);
  assert.match(flags, /^--output --watch /);
  assert.equal(goals, "applied healthy");
});

Deno.test("completion: what zsh shares with bash has no part of a list from a name on, which zsh takes for a modifier", async () => {
  const { output } = await called("completion zsh");

  assert.deepEqual(output.match(/\$\{[^}]*:[A-Z]/g), null);
  assert.match(output, /\$\{COMP_WORDS\[\*\]:1:\$\(\(/);
});
