import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import type { Violation } from "../source.ts";
import type { Page } from "./page.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const IN_REPOSITORY =
  /^((?:broker|agent|lib|tests|docs|charts|\.github|\.ci)\/[\w./*-]*|[\w-]+\.(?:md|toml|yaml|json|lock))$/;
/** Made when the programs are built or run, or the reader's own: not in the repository. */
const MADE_LATER = /^(dist\/|[\w-]+\.(?:toml|yaml)$|(?:node_modules|values)\b)/;

/** Files that a page names in code and that aren't there. `*` stands for anything within one name. */
export async function fileViolations({ path, literals }: Page): Promise<Violation[]> {
  const named = literals.filter(({ text }) => IN_REPOSITORY.test(text) && !MADE_LATER.test(text));
  const checked = await Promise.all(named.map(async ({ text, line }) =>
    await exists(text) ? [] : [{
      path,
      line,
      message: `names the file "${text}", which doesn't exist: name the one that does`,
    }]
  ));
  return checked.flat();
}

/** Links that lead nowhere: to a page, or a heading of one, that isn't there. Links out of the repository are left. */
export async function linkViolations(page: Page, pages: ReadonlyMap<string, Page>): Promise<Violation[]> {
  const inside = page.links.filter(({ target }) => !/^[a-z]+:/.test(target));
  const checked = await Promise.all(inside.map(async ({ target, line }) => {
    const fault = await linkFault(target, page, pages);
    return fault === undefined ? [] : [{ path: page.path, line, message: `links to "${target}", ${fault}` }];
  }));
  return checked.flat();
}

async function linkFault(target: string, page: Page, pages: ReadonlyMap<string, Page>): Promise<string | undefined> {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? page.path : normalize(join(dirname(page.path), file));
  if (!await exists(path)) return "where nothing is";
  if (anchor === undefined || pages.get(path)?.anchors.has(anchor) === true) return undefined;
  return "a heading that isn't there";
}

async function exists(path: string): Promise<boolean> {
  const [first = "", ...rest] = path.replace(/\/$/, "").split("/");
  return await matches(ROOT, first, rest);
}

async function matches(folder: string, name: string, rest: readonly string[]): Promise<boolean> {
  const pattern = new RegExp(`^${name.split("*").map((part) => RegExp.escape(part)).join(".*")}$`);
  for (const entry of await entriesOf(folder)) {
    if (!pattern.test(entry) && !(name === "." || name === "..")) continue;
    const [next, ...others] = rest;
    if (next === undefined || await matches(join(folder, entry), next, others)) return true;
  }
  return false;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
