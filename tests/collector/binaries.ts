import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cluster/binaries.ts";

/** The OpenTelemetry Collector that `go.mod` names, without its `v`. */
export const COLLECTOR_VERSION = "0.165.0";
/**
 * The Go module beside this file. After a change of a version: `go mod tidy -e`, since one of the tests of the file
 * exporter wants a module that nobody can fetch.
 */
export const MODULE = fileURLToPath(new URL(".", import.meta.url));
/** The program's file in its folder. */
export const PROGRAM = "collector";

/** Where this checkout's Collector is kept once `deno task setup` has built it. */
export function collectorFolder(): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "main.go"]) hash.update(readFileSync(`${MODULE}${file}`));
  return `${cacheFolder()}/collector-${COLLECTOR_VERSION}-${hash.digest("hex").slice(0, 12)}`;
}

/** The Collector's path; `undefined` when it is not on this machine. Only looks whether the file exists. */
export function locateCollector(): string | undefined {
  const path = `${collectorFolder()}/${PROGRAM}`;
  return existsSync(path) ? path : undefined;
}
