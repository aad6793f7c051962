import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cluster/binaries.ts";
import { hashOfSources, locateKept } from "../setup/kept.ts";

/** The Go module beside this file, which names the version of the library. */
export const MODULE = fileURLToPath(new URL(".", import.meta.url));
const SOURCES = ["go.mod", "go.sum", "main.go"];
/** The program's file in its folder. */
export const PROGRAM = "yaml-oracle";

/** Where this checkout's oracle is kept once `deno task setup` has built it. */
export function yamlOracleFolder(): string {
  return `${cacheFolder()}/yaml-oracle-${hashOfSources(MODULE, SOURCES)}`;
}

/** The oracle's path; `undefined` when it is not on this machine. Only looks whether the file exists. */
export function locateYamlOracle(): string | undefined {
  return locateKept(`${yamlOracleFolder()}/${PROGRAM}`);
}
