/**
 * `deno task bench [name] [arguments of that bench]`: runs one bench of this folder, or every one, each in a process of
 * its own, and ends with 1 when one of them does not hold what it promises.
 */
import { FROM_GLOBAL_CACHE } from "../run/packages.ts";

const FOLDER = new URL("./", import.meta.url);

async function benches(): Promise<string[]> {
  const files = await Array.fromAsync(Deno.readDir(FOLDER), ({ name }) => name);
  return files.filter((name) => name.endsWith("_bench.ts")).map((name) => name.replace("_bench.ts", "")).sort();
}

async function run(name: string, args: readonly string[]): Promise<boolean> {
  console.log(`\n${name}`);
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      FROM_GLOBAL_CACHE,
      "-A",
      "--v8-flags=--expose-gc",
      new URL(`${name}_bench.ts`, FOLDER).pathname,
      ...args,
    ],
  });
  return (await command.spawn().status).success;
}

async function main([wanted, ...args]: readonly string[]): Promise<number> {
  const names = await benches();
  if (wanted !== undefined && !names.includes(wanted)) {
    console.error(`Cannot run bench "${wanted}": there is ${names.join(", ")}`);
    return 2;
  }
  const failed: string[] = [];
  for (const name of wanted === undefined ? names : [wanted]) if (!await run(name, args)) failed.push(name);
  if (failed.length > 0) console.error(`\nNot held: ${failed.join(", ")}`);
  return failed.length > 0 ? 1 : 0;
}

Deno.exit(await main(Deno.args));
