import assert from "node:assert/strict";
import { FROM_GLOBAL_CACHE } from "../run/packages.ts";
import { longTest } from "../run/parts.ts";
import { Reader } from "../tutorial/reader.ts";
import { stepsOf } from "../tutorial/script.ts";
import { Terminal } from "../tutorial/terminal.ts";
import { eventually } from "./wait.ts";

const README = new URL("../../README.md", import.meta.url);
const MAIN = new URL("../demo/main.ts", import.meta.url).pathname;
/** What the page and the demo start Deno with: here the one that runs. */
const DENO = "npx -y deno@2.9.6";

longTest("README: beside a demo, a first delivery, a mistake and the way back work, word for word", async () => {
  const page = (await Deno.readTextFile(README)).replaceAll(DENO, Deno.execPath());
  const steps = stepsOf(page);
  assert.ok(steps.length >= 3, "the page must have its steps");
  await using demo = new Terminal({});
  await demo.type(`exec "${Deno.execPath()}" run ${FROM_GLOBAL_CACHE} -A "${MAIN}"`);
  await eventually("the demo has told its story", () => demo.output.includes("until Ctrl-C") || demo.isOver, {
    ...{ seconds: 240, everyMs: 100 },
  });
  const [, lines = ""] = /Try next .*\n\n((?: {2}.*\n){2})/.exec(demo.output) ?? [];
  assert.match(lines, /export BROKKR_URL=[^]*brokkr-broker\(\)/, demo.output);
  await using reader = new Reader({});

  await reader.follow({ kind: "type", commands: lines.replaceAll(DENO, Deno.execPath()), shown: undefined, line: 0 });
  for (const step of steps) await reader.follow(step);

  await demo.interrupt();
});
