import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { readCommandLine } from "../../broker/commands/client/command_line.ts";
import { CLIENT_COMMANDS } from "../../broker/commands/client/commands.ts";
import { blocksOf } from "./blocks.ts";

const PAGE = "docs/content/how-to/deliver-from-ci.md";

const Workflow = z.strictObject({
  name: z.string(),
  on: z.unknown(),
  concurrency: z.string(),
  jobs: z.record(
    z.string(),
    z.strictObject({
      "runs-on": z.string(),
      container: z.string(),
      "timeout-minutes": z.int(),
      env: z.record(z.string(), z.string()),
      steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })),
    }),
  ),
});
const Pipeline = z.record(
  z.string(),
  z.object({ image: z.string(), script: z.array(z.string()), after_script: z.array(z.string()) }),
);

Deno.test("deliver-from-ci.md: both files are read as their systems read them, and the program takes each of their commands", async () => {
  const [workflow, pipeline] = (await blocksOf(PAGE)).filter(({ language }) => language === "yaml")
    .map(({ text }): unknown => parse(text));
  const steps = Object.values(Workflow.parse(workflow).jobs).flatMap(({ steps }) => steps);
  const jobs = Object.values(Pipeline.parse(pipeline));

  const lines = [
    steps.flatMap(({ run }) => run ?? []),
    jobs.flatMap(({ script, after_script }) => [...script, ...after_script]),
  ];

  for (const asked of lines) assert.deepEqual(asked.map(commandIn), ["apply", "explain"]);
});

Deno.test("deliver-from-ci.md: every exit code of apply is in its list but that of who interrupts it", async () => {
  const page = await Deno.readTextFile(new URL(`../../${PAGE}`, import.meta.url));

  const codes = [...page.matchAll(/^- (\d+): /gm)].map(([, code]) => Number(code));

  assert.deepEqual(codes, [0, 1, 2, 3]);
});

/** The command that a line of a job calls; throws where the program would refuse the line. */
function commandIn(line: string): string {
  const [program, ...args] = line.split(" ");
  assert.equal(program, "brokkr-broker");
  const env = { BROKKR_URL: "https://broker.example", BROKKR_PAK: "x" };
  return readCommandLine(args, { commands: CLIENT_COMMANDS, env }).command.words;
}
