import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cluster/binaries.ts";
import { hashOfSources, locateKept } from "../setup/kept.ts";

/** The OpenTelemetry Collector that `go.mod` names, without its `v`. */
export const COLLECTOR_VERSION = "0.165.0";
/**
 * The Go module beside this file. After a change of a version: `go mod tidy -e`, since one of the tests of the file
 * exporter wants a module that nobody can fetch.
 */
export const MODULE = fileURLToPath(new URL(".", import.meta.url));
const SOURCES = ["go.mod", "go.sum", "main.go"];
/** The program's file in its folder. */
export const PROGRAM = "collector";

/** Where this checkout's Collector is kept once `deno task setup` has built it. */
export function collectorFolder(): string {
  return `${cacheFolder()}/collector-${COLLECTOR_VERSION}-${hashOfSources(MODULE, SOURCES)}`;
}

/** The Collector's path; `undefined` when it is not on this machine. Only looks whether the file exists. */
export function locateCollector(): string | undefined {
  return locateKept(`${collectorFolder()}/${PROGRAM}`);
}
