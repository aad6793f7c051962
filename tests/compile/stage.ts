import { FROM_GLOBAL_CACHE } from "../run/packages.ts";
import type { ProgramName } from "./task.ts";

/** A program as it is compiled: its entry, from the folder that its `deno` runs in. */
export interface Entry {
  readonly folder: string;
  readonly path: string;
}

/**
 * The same with the modules that it starts as workers, from the same folder: nothing imports them, so they are named.
 */
export interface StagedEntry extends Entry {
  readonly workers: readonly string[];
}

/** Where things are taken from and put, and the commit that they are stamped with. */
export interface Staging {
  readonly root: URL;
  readonly folder: string;
  readonly revision: string;
}

const ROOT_FILES = ["deno.json", "deno.lock"];
/** Style sheets, scripts and the API's description are imported as texts. */
const SOURCE = /\.(tsx?|css|js|json)$/;
const BUNDLE = "brokkr-agent.js";
/** Modules that a program starts as workers. */
export const WORKERS: Readonly<Record<ProgramName, readonly string[]>> = {
  broker: ["lib/pglite_worker.ts", "broker/parsing/bundle_worker.ts"],
  agent: ["agent/kube/reading/bundle_worker.ts"],
};

/**
 * Puts a program's sources into a folder, stamped with the revision. The agent becomes one small file there, which
 * takes less memory; the broker stays many, because a bundled PGlite does not find its data.
 */
export async function stage(name: ProgramName, { root, folder, revision }: Staging): Promise<StagedEntry> {
  await Deno.mkdir(folder, { recursive: true });
  for (const file of ROOT_FILES) await Deno.copyFile(new URL(file, root), `${folder}/${file}`);
  for (const place of [name, "lib"]) await copySources(new URL(`${place}/`, root), `${folder}/${place}`);
  await stamp(`${folder}/lib/program/revision.ts`, revision);
  if (name === "broker") return { folder, path: "broker/main.ts", workers: WORKERS.broker };
  await bundle("agent/main.ts", BUNDLE, folder);
  // Where everything is one file, a worker is looked for beside it.
  const workers = WORKERS.agent.map((path) => [path, path.slice(path.lastIndexOf("/") + 1)] as const);
  for (const [path, output] of workers) await bundle(path, output, folder);
  return { folder, path: BUNDLE, workers: workers.map(([, output]) => output) };
}

async function bundle(path: string, output: string, folder: string): Promise<void> {
  await runDeno(["bundle", FROM_GLOBAL_CACHE, "--quiet", "--minify", "--output", output, path], folder);
}

/** @throws When there is no such file with an `unknown` to replace. */
async function stamp(path: string, revision: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  const stamped = text.replace('"unknown"', JSON.stringify(revision));
  if (stamped === text && revision !== "unknown") throw new Error(`Cannot stamp ${path}: it has no "unknown"`);
  await Deno.writeTextFile(path, stamped);
}

async function copySources(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copySources(new URL(`${name}/`, from), `${to}/${name}`);
    else if (SOURCE.test(name) && !name.endsWith("_test.ts")) {
      await Deno.copyFile(new URL(name, from), `${to}/${name}`);
    }
  }
}

/**
 * Runs `deno` in a folder and says what it says.
 *
 * @throws When it ends with another code than 0.
 */
export async function runDeno(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: folder,
    env: { ...env },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`deno ${args[0]} ended with ${code}`);
}
