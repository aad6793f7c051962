import { cp } from "node:fs/promises";
import { sha256Hex } from "$lib/ids.ts";
import { cacheFolder } from "./cache_folder.ts";

/** A closed data folder that is made once and copied many times. */
export interface Template {
  /** Says what is in it, so that a changed one is another. */
  readonly name: string;
  /** Makes it: fills a data folder and closes it. */
  readonly make: (dataDir: string) => Promise<void>;
}

const ROOT = new URL("../../", import.meta.url).pathname;
/** What an embedded database's files depend on. */
const SOURCES = ["lib/pglite_worker.ts", "broker/store/migrate.ts", "broker/store/migrations"];

/** Copies a template into `dataDir`, making it first where this machine does not have it. */
export async function copyTemplate({ name, make }: Template, dataDir: string): Promise<void> {
  const folder = await cacheFolder("test-databases");
  const template = `${folder}/${name}-${await sourcesHash()}`;
  using lock = await Deno.open(`${folder}/templates.lock`, { write: true, create: true });
  await lock.lock(true);
  if (!(await exists(template))) {
    await removeOlder(folder, name);
    const unfinished = await Deno.makeTempDir({ dir: folder, prefix: `${name}-` });
    await make(unfinished);
    await Deno.rename(unfinished, template);
  }
  await cp(`${template}/postgres`, `${dataDir}/postgres`, { recursive: true });
}

async function sourcesHash(): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const texts = await Promise.all((await files()).map((path) => Deno.readTextFile(path)));
  return (await sha256Hex([imports["@electric-sql/pglite"], ...texts].join("\n"))).slice(0, 16);
}

async function files(): Promise<string[]> {
  const found = await Promise.all(SOURCES.map(async (source) => {
    if (source.endsWith(".ts")) return [ROOT + source];
    const entries = await Array.fromAsync(Deno.readDir(ROOT + source));
    return entries.map(({ name }) => `${ROOT}${source}/${name}`).sort();
  }));
  return found.flat();
}

async function removeOlder(folder: string, name: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith(`${name}-`)) await Deno.remove(`${folder}/${entry.name}`, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
