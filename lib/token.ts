import { Failure } from "$lib/error.ts";

/**
 * Reads a token from a file, white space around it dropped.
 *
 * @throws {Failure} `unavailable` when there is none in it.
 */
export async function readTokenFile(path: string): Promise<string> {
  const token = (await Deno.readTextFile(path)).trim();
  if (token === "") throw new Failure("unavailable", `Cannot read a token from "${path}": it is empty`);
  return token;
}

/** Whether a header can hold it: where one cannot, whoever refuses to send it quotes it. */
export function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
