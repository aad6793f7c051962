import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cluster/binaries.ts";

/** The Go module beside this file, which names the version of the library. */
export const MODULE = fileURLToPath(new URL(".", import.meta.url));
/** The program's file in its folder. */
export const PROGRAM = "yaml-oracle";

/** Where this checkout's oracle is kept once `deno task setup` has built it. */
export function yamlOracleFolder(): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go"]) hash.update(readFileSync(`${MODULE}${file}`));
  return `${cacheFolder()}/yaml-oracle-${hash.digest("hex").slice(0, 12)}`;
}

/** The oracle's path; `undefined` when it is not on this machine. Only looks whether the file exists. */
export function locateYamlOracle(): string | undefined {
  const path = `${yamlOracleFolder()}/${PROGRAM}`;
  return existsSync(path) ? path : undefined;
}
