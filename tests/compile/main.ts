/** `deno task compile [broker|agent] [--revision=…]`: the programs as files that run without Deno, in `dist/`. */
import { compileArguments } from "./compile.ts";
import { revisionOf } from "./revision.ts";
import { runDeno, stage } from "./stage.ts";
import { type ProgramName, readTask } from "./task.ts";

const ROOT = new URL("../../", import.meta.url);
const REVISION_FLAG = "--revision=";
const NAMES: readonly ProgramName[] = ["broker", "agent"];

async function compile(name: ProgramName, revision: string): Promise<void> {
  const folder = new URL(`dist/build/${name}`, ROOT).pathname;
  const output = new URL(`dist/brokkr-${name}`, ROOT).pathname;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const entry = await stage(name, { root: ROOT, folder, revision });
  await runDeno(compileArguments(name, { entry, output }), folder, readTask(name).env);
  console.log(`${output}, revision ${revision}`);
}

const unknown = Deno.args.filter((arg) => !arg.startsWith(REVISION_FLAG) && !NAMES.some((name) => name === arg));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(" ")}; there is broker, agent, --revision=…`);
  Deno.exit(1);
}
const given = Deno.args.find((arg) => arg.startsWith(REVISION_FLAG))?.slice(REVISION_FLAG.length);
const revision = given || await revisionOf(ROOT);
const asked = NAMES.filter((name) => Deno.args.includes(name));
for (const name of asked.length === 0 ? NAMES : asked) await compile(name, revision);
