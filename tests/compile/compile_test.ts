import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { longTest } from "../run/parts.ts";
import { compileArguments } from "./compile.ts";
import { stage, WORKERS } from "./stage.ts";
import { type ProgramName, readTask } from "./task.ts";

const ROOT = new URL("../../", import.meta.url);

/** Compiles with this `deno` in the place of the runtime, which can't be had here: all but what would run. */
async function compiled(name: ProgramName, folder: string): Promise<{ said: string; file: Uint8Array }> {
  const entry = await stage(name, { root: ROOT, folder, revision: "0123abc" });
  const output = `${folder}/brokkr`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: compileArguments(name, { entry, output }),
    cwd: folder,
    env: { ...readTask(name).env, DENORT_BIN: Deno.execPath(), NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, said);
  return { said, file: await Deno.readFile(output) };
}

/** What the compiled program may do, as it lies in its file; imports aside, of which Deno always allows some hosts. */
function permissionsIn(file: Uint8Array): Record<string, readonly string[]> {
  const bytes = Buffer.from(file.buffer);
  const at = bytes.lastIndexOf('"permissions":{"allow_env"');
  const baked = JSON.parse(bytes.toString("utf8", at + '"permissions":'.length, bytes.indexOf("}", at) + 1));
  const { prompt, allow_import: _, ...permissions } = baked;
  assert.equal(prompt, false);
  return Object.fromEntries(Object.entries<string[]>(permissions).filter(([, value]) => value !== null));
}

/** The same of the task: `--allow-env=A,B` is `allow_env: ["A", "B"]`, `--allow-net` all of it. */
function permissionsOf(name: ProgramName): Record<string, readonly string[]> {
  const flags = readTask(name).args.filter((arg) => arg.startsWith("--allow-")).map((arg) => arg.slice(2).split("="));
  return Object.fromEntries(flags.map(([flag = "", values]) => [flag.replace("-", "_"), values?.split(",") ?? []]));
}

Deno.test("compile: every worker of a program is named", async () => {
  const found: string[] = [];
  for (const place of ["lib", "broker", "agent"]) found.push(...await workersIn(place));

  assert.deepEqual(Object.values(WORKERS).flat().sort(), found.sort());
});

/** The files that sources import as texts: what they serve as it is. */
async function assetsIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await assetsIn(path));
    if (!/(?<!_test)\.tsx?$/.test(name)) continue;
    const source = await Deno.readTextFile(new URL(path, ROOT));
    const imports = source.matchAll(/"([^"]+)"(?:, \{)? with:? \{ type: "text" \}/g);
    for (const [, named = ""] of imports) {
      found.push(named.startsWith(".") ? new URL(named, new URL(path, ROOT)).href : named);
    }
  }
  return found;
}

/** Whether a program brings a file or folder of a name, by the list of what it brings. */
function names(program: Uint8Array, name: string): boolean {
  return Buffer.from(program.buffer).includes(`"n":"${name}"`);
}

/** Whether a program brings a text whole. */
async function isIn(file: Uint8Array, asset: string): Promise<boolean> {
  const { default: text } = await import(asset, { with: { type: "text" } });
  return Buffer.from(file.buffer).includes(text);
}

async function workersIn(folder: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(`${folder}/`, ROOT)));
  const inFolders = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => workersIn(`${folder}/${name}`));
  const here = entries.filter(({ name }) => name.endsWith("_worker.ts")).map(({ name }) => `${folder}/${name}`);
  return [...here, ...(await Promise.all(inFolders)).flat()];
}

longTest("compile: deno takes both programs, with their workers and exactly their tasks' permissions", async () => {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-compile-" });
  try {
    const broker = await compiled("broker", `${folder}/broker`);
    const agent = await compiled("agent", `${folder}/agent`);

    for (const file of ["pglite_worker.ts", "bundle_worker.ts", "pglite"]) assert.ok(names(broker.file, file), file);
    assert.ok(names(agent.file, "bundle_worker.ts"), agent.said);
    const assets = await assetsIn("broker");
    assert.ok(assets.length >= 5, `${assets}`);
    for (const asset of assets) assert.ok(await isIn(broker.file, asset), asset);
    assert.doesNotMatch(agent.said, /npm/);
    assert.deepEqual(permissionsIn(broker.file), permissionsOf("broker"));
    assert.deepEqual(permissionsIn(agent.file), permissionsOf("agent"));
    assert.deepEqual(Object.keys(permissionsOf("agent")), ["allow_net", "allow_read", "allow_env"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
