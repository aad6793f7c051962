import { locateYamlOracle } from "./binaries.ts";

/** What Kubernetes makes of a text of one YAML document. */
export interface OracleAnswer {
  /** The document as JSON; absent where it can't be read. */
  readonly json?: string;
  /** Why it can't be read. */
  readonly fault?: string;
}

/** Asks the oracle about texts, all at once: what Kubernetes' own library makes of each. */
export async function askOracle(texts: readonly string[]): Promise<readonly OracleAnswer[]> {
  const child = new Deno.Command(locateYamlOracle() ?? "", { stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  const answers = child.output();
  await writer.write(new TextEncoder().encode(JSON.stringify(texts)));
  await writer.close();
  const { code, stdout } = await answers;
  if (code !== 0) throw new Error(`Cannot ask the oracle: it ended with ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
