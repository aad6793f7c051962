import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cluster/binaries.ts";
import { hashOfSources } from "../setup/kept.ts";

/** The Prometheus 3 that `go.mod` names, as its users know it: the module's `v0.309.1` is the program's 3.9.1. */
export const PROMETHEUS_3_VERSION = "3.9.1";

/** What it is built from, in this folder. */
export const SOURCES = ["go.mod", "go.sum", "plugins.go"] as const;

/** The two lines of Prometheus that are in use: 2 as Debian has it, 3 as its Go module has it. */
export type PrometheusMajor = 2 | 3;

/** Paths of one Prometheus' programs. */
export interface PrometheusBinaries {
  readonly prometheus: string;
  readonly promtool: string;
}

/** Where a Prometheus is kept once `deno task setup` has it: for 3, other sources are another folder. */
export function prometheusFolder(major: PrometheusMajor): string {
  if (major === 2) return `${cacheFolder()}/prometheus-2`;
  const hash = hashOfSources(fileURLToPath(new URL(".", import.meta.url)), SOURCES);
  return `${cacheFolder()}/prometheus-${PROMETHEUS_3_VERSION}-${hash}`;
}

/** The programs that `deno task setup` brought; `undefined` when one is missing. Only looks whether files exist. */
export function locatePrometheus(major: PrometheusMajor): PrometheusBinaries | undefined {
  const folder = prometheusFolder(major);
  const found = { prometheus: `${folder}/prometheus`, promtool: `${folder}/promtool` };
  return existsSync(found.prometheus) && existsSync(found.promtool) ? found : undefined;
}

/**
 * The same as {@linkcode locatePrometheus}, for callers who cannot go on without.
 *
 * @throws When it is not on this machine.
 */
export function getPrometheus(major: PrometheusMajor): PrometheusBinaries {
  const found = locatePrometheus(major);
  if (found === undefined) throw new Error(`Cannot run Prometheus ${major}: it is not on this machine`);
  return found;
}
