import { messageOf } from "$lib/error.ts";
import type { Terminal } from "$lib/terminal.ts";
import { usage } from "./command_line.ts";

/** Files as one bundle. */
export interface BundleText {
  readonly yaml: string;
  /** Where each file begins, by its first line, from 1. */
  readonly files: readonly { readonly name: string; readonly firstLine: number }[];
}

const MANIFEST = /\.(ya?ml|json)$/i;
const STANDARD_INPUT = "-";
/** Other names of it, which only a program that may do anything may open. */
const ITS_NAMES: ReadonlySet<string> = new Set([STANDARD_INPUT, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

/**
 * Reads what `-f` names: files, standard input for `-`, and of a folder the files that end in .yaml, .yml or .json, by
 * name. A single one goes as it is, byte by byte.
 *
 * @throws {Failure} `invalid_settings` for what can't be read, is no UTF-8, or holds nothing.
 */
export async function readBundle(paths: readonly string[], terminal: Terminal): Promise<BundleText> {
  if (paths.filter((path) => ITS_NAMES.has(path)).length > 1) {
    throw usage("submit", ["- is given twice: standard input is read once"]);
  }
  const texts: { readonly name: string; readonly text: string }[] = [];
  for (const path of paths) {
    for (const name of await filesAt(path)) texts.push({ name, text: decoded(name, await bytesOf(name, terminal)) });
  }
  const [files, pieces]: [BundleText["files"][number][], string[]] = [[], []];
  let firstLine = 1;
  const add = (piece: string) => {
    if (piece !== "") pieces.push(piece);
    firstLine += piece.split("\n").length - 1;
  };
  for (const { name, text } of texts) {
    const last = pieces.at(-1);
    if (last !== undefined) add(last.endsWith("\n") ? "---\n" : "\n---\n");
    files.push({ name, firstLine });
    add(last === undefined ? text : text.replace(/^\ufeff/, "")); // in the midst of a stream it would be part of a name
  }
  return { yaml: pieces.join(""), files };
}

/** A line of the bundle as a line of its file. */
export function placeOf(line: number, { files }: BundleText): string {
  const { name, firstLine } = files.findLast((file) => file.firstLine <= line) ?? { name: "?", firstLine: 1 };
  return `${name}, line ${line - firstLine + 1}`;
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (ITS_NAMES.has(path)) return [STANDARD_INPUT];
  const isFolder = await readable(path, async () => (await Deno.stat(path)).isDirectory);
  if (!isFolder) return [path];
  const names = await readable(path, () => Array.fromAsync(Deno.readDir(path)));
  const files = names.filter(({ name, isDirectory }) => !isDirectory && MANIFEST.test(name) && !name.startsWith("."));
  if (files.length === 0) throw usage("submit", [`"${path}" has no file that ends in .yaml, .yml or .json`]);
  return files.map(({ name }) => `${path.replace(/\/$/, "")}/${name}`).sort();
}

function bytesOf(path: string, terminal: Terminal): Promise<Uint8Array> {
  return path === STANDARD_INPUT ? terminal.readAll() : readable(path, () => Deno.readFile(path));
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw usage("submit", [`"${path}" can't be read: ${messageOf(cause)}`]);
  }
}

function decoded(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usage("submit", [`"${name}" is no UTF-8`]);
  }
}
