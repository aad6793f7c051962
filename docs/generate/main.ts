/**
 * Writes the pages that are made from the code (`deno task docs`), or with `--check` says which are stale and ends with
 * 1.
 */
import { PAGES } from "./pages.ts";

const ROOT = new URL("../../", import.meta.url);

async function main(isCheck: boolean): Promise<number> {
  const stale: string[] = [];
  for (const [path, make] of Object.entries(PAGES)) {
    const made = await make();
    if (await read(path) === made) continue;
    stale.push(path);
    if (!isCheck) await write(path, made);
  }
  console.log(verdict(stale, isCheck));
  return isCheck && stale.length > 0 ? 1 : 0;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(new URL(path, ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function write(path: string, text: string): Promise<void> {
  const file = new URL(path, ROOT);
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, text);
}

function verdict(stale: readonly string[], isCheck: boolean): string {
  if (stale.length === 0) return "docs: every generated page is up to date";
  if (isCheck) return `docs: stale, run "deno task docs": ${stale.join(", ")}`;
  return `docs: written: ${stale.join(", ")}`;
}

if (import.meta.main) Deno.exit(await main(Deno.args.includes("--check")));
